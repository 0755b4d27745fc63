/**
 * Builds what runs in browsers and Node, with esbuild, into `dist/loader`:
 *   snug.js               one file for every bundle: the page's side, and the worker's code inside it
 *   runtime.{browser,node}.js   `snug/runtime`, with one host each
 *   tokenizer.js          the tokenizer module that bundles carry
 * The declarations of `snug/runtime` come from the compilation of the sources.
 */
import {mkdirSync, writeFileSync} from 'node:fs';
import {gzipSync} from 'node:zlib';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {build, type Plugin} from 'esbuild';

const loader = fileURLToPath(new URL('loader/', import.meta.url));
const output = fileURLToPath(new URL('../dist/loader/', import.meta.url));

type HostName = 'browser' | 'node' | 'both';

/** Replaces a module of the loader by a file beside it, or by a text. */
function replace(name: string, by: {readonly file: string} | {readonly text: string}): Plugin {
	return {
		name,
		setup({onLoad}) {
			onLoad({filter: new RegExp(`[\\\\/]loader[\\\\/]${name}\\.ts$`)}, () =>
				'text' in by ? {contents: by.text, loader: 'js', resolveDir: loader} : {contents: `export * from './${by.file}';`, loader: 'js', resolveDir: loader},
			);
		},
	};
}

async function bundle(entry: string, format: 'esm' | 'iife', plugins: Plugin[]): Promise<string> {
	const {outputFiles} = await build({
		absWorkingDir: loader,
		entryPoints: [entry],
		bundle: true,
		minify: true,
		format,
		target: 'es2022',
		platform: 'neutral',
		mainFields: ['module', 'main'],
		conditions: ['import'],
		charset: 'utf8',
		legalComments: 'none',
		write: false,
		plugins,
	});
	return outputFiles[0]!.text;
}

const hostPlugins = (host: HostName): Plugin[] => (host === 'both' ? [] : [replace('host', {file: `host.${host}.ts`})]);

/** The file starts itself while it has its name: a bundler's output under another name holds the whole page. */
const selfStart = (worker: string): string => `
const main = function () {${worker}};
const url = new URL(import.meta.url);
export const workerStarts = [...(url.pathname.endsWith('/snug.js') ? [{kind: 'module', url: url.href}] : []), {kind: 'code', code: '(' + main + ')()'}];
export const ownTokenizer = null;
main();
`;

const inlined = (worker: string, tokenizer: string): string => `
export const workerStarts = [{kind: 'code', code: ${JSON.stringify(worker)}}];
export const ownTokenizer = ${tokenizer};
`;

async function page(host: HostName, start: (worker: string) => string): Promise<string> {
	const worker = await bundle('worker-main.ts', 'iife', hostPlugins(host));
	return bundle('index.ts', 'esm', [...hostPlugins(host), replace('worker-start', {text: start(worker)})]);
}

/** Writes all files, and gives their sizes in bytes, as they are and gzipped. */
export async function buildLoader(directory = output): Promise<Record<string, {bytes: number; gzip: number}>> {
	const files: Record<string, string> = {
		'snug.js': await page('both', selfStart),
		'runtime.browser.js': await page('browser', worker => inlined(worker, 'null')),
		'runtime.node.js': await page('node', worker => inlined(worker, "new URL('tokenizer.js', import.meta.url)")),
		'tokenizer.js': await bundle('tokenizer/index.ts', 'esm', []),
	};
	mkdirSync(directory, {recursive: true});
	for (const [name, text] of Object.entries(files)) {
		writeFileSync(path.join(directory, name), text);
	}

	return Object.fromEntries(Object.entries(files).map(([name, text]) => [name, {bytes: Buffer.byteLength(text), gzip: gzipSync(text, {level: 9}).length}]));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	for (const [name, {bytes, gzip}] of Object.entries(await buildLoader())) {
		console.log(`${name}: ${bytes} bytes, ${gzip} gzipped`);
	}
}
