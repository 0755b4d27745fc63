/** HTML and SVG as text, for pages that stand alone: no script, nothing fetched. */

/** Text that is safe between tags and in quoted attributes. */
export const escape = (text: string): string =>
	text.replace(/[&<>"']/g, character => ({'&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;'})[character]!);

/** @param body Markup. */
export const page = (title: string, body: string): string => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
<style>${style}</style>
<main>
${body}
</main>
</html>
`;

const style = `
:root { color-scheme: light dark; --paper: #f6f3ec; --surface: #fffdf8; --line: #dfd9cc; --ink: #24221d; --soft: #655f54; --pine: #1d6b59; --wash: #cfe3d8;
	--a: #1d6b59; --b: #b3812c; --c: #5a6fa8; --d: #a0563a; --e: #8a8172; --f: #d5cdbc; font: 16px/1.5 system-ui, sans-serif; }
@media (prefers-color-scheme: dark) { :root { --paper: #151714; --surface: #1d201c; --line: #343932; --ink: #ece8dd; --soft: #a8a396; --pine: #8fd0b8; --wash: #2c4339;
	--a: #8fd0b8; --b: #e0b869; --c: #9fb2e8; --d: #e09a7d; --e: #a8a396; --f: #454a42; } }
body { margin: 0; background: var(--paper); color: var(--ink); }
main { max-width: 68rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2.5rem 0 .5rem; }
p { margin: .25rem 0 .75rem; max-width: 46rem; } .soft { color: var(--soft); }
.scroll { overflow-x: auto; background: var(--surface); border: 1px solid var(--line); border-radius: 10px; }
table { border-collapse: collapse; width: 100%; font-size: .875rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .75rem; text-align: left; white-space: nowrap; border-top: 1px solid var(--line); } thead th { border-top: 0; color: var(--soft); font-weight: 500; }
tbody th { font-weight: 400; } .number { text-align: right; } .bar { min-width: 8rem; width: 20%; }
.bar span { display: block; height: .7rem; border-radius: 2px; background: var(--pine); min-width: 1px; }
.stack { display: flex; height: 1.75rem; border-radius: 6px; overflow: hidden; margin: .5rem 0; }
.key::before { content: ''; display: inline-block; width: .7rem; height: .7rem; border-radius: 2px; margin-right: .5rem; background: var(--key); }
svg { display: block; width: 100%; min-width: 36rem; height: auto; } svg text { font-size: 12px; fill: var(--soft); font-family: inherit; }
`;
