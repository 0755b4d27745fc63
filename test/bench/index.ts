/** `npm run bench -- NAME [options]`: runs one of the benchmarks beside this file. */
const benchmarks = ['kernels', 'attention', 'peers', 'minilm', 'methods', 'ablation', 'sentences', 'busy'];

const [name = '', ...rest] = process.argv.slice(2);
if (!benchmarks.includes(name)) {
	console.error(`usage: npm run bench -- ${benchmarks.join('|')} [options]`);
	process.exit(2);
}

// Each reads its own arguments.
process.argv.splice(2, process.argv.length, ...rest);
await import(`./${name}.ts`);
