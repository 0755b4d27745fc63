/** Rules about the source itself: who may import whom, how long files are, and that no kernel is without a user. */
import {readdirSync, readFileSync} from 'node:fs';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import {importsOf, stringPatterns} from './helpers/source.js';

const root = fileURLToPath(new URL('..', import.meta.url));

const skipped = new Set(['node_modules', 'dist', '.cache', '.git', 'out', 'build']);

const files = readdirSync(root, {recursive: true, withFileTypes: true})
	.filter(entry => entry.isFile())
	.map(entry => path.relative(root, path.join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
	.filter(file => !file.split('/').some(part => skipped.has(part)));

const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');

const sources = files.filter(file => file.endsWith('.ts') && !file.startsWith('test/'));

/** Modules that a file imports: repository paths (ending in .ts), or package names. */
const edges = sources.flatMap(from =>
	importsOf(read(from)).map(specifier => ({
		from,
		to: specifier.startsWith('.') ? path.posix.join(path.posix.dirname(from), specifier).replace(/\.js$/, '.ts') : specifier,
	})),
);

type Rule = {readonly title: string; readonly from: RegExp} & ({readonly only: RegExp} | {readonly never: RegExp});

const rules: readonly Rule[] = [
	{title: 'errors, element types and the bundle format import nothing', from: /^compiler\/(error|graph\/dtype|bundle\/format)\.ts$/, only: /^$/},
	{title: 'the graph knows only itself and errors', from: /^compiler\/graph\//, only: /^compiler\/(graph\/|error\.ts)/},
	{
		title: 'ops import neither codecs nor targets',
		from: /^compiler\/ops\//,
		never: /^(compiler\/(codecs|allocate|bundle|commands)\/|compiler\/compile\.ts|targets\/)/,
	},
	{
		title: 'codecs import neither ops nor targets',
		from: /^compiler\/codecs\//,
		never: /^(compiler\/(ops|allocate|bundle|commands)\/|compiler\/compile\.ts|targets\/)/,
	},
	{
		title: 'targets see programs, not ops or codecs',
		from: /^targets\//,
		never: /^compiler\/(ops|codecs|passes|onnx|allocate|commands)\/|^compiler\/compile\.ts/,
	},
	{
		title: 'passes know no target and no codec',
		from: /^compiler\/passes\//,
		never: /^(targets\/|compiler\/(codecs|allocate|bundle|commands|plan)\/|compiler\/compile\.ts)/,
	},
	{
		title: 'import knows no later stage',
		from: /^compiler\/onnx\//,
		never: /^(targets\/|compiler\/(passes|codecs|allocate|bundle|commands|plan|reference)\/|compiler\/compile\.ts)/,
	},
	{
		title: 'the loader imports the bundle format, element types and errors, and no package',
		from: /^runtime-wasm\/loader\/(?!tokenizer\/)/,
		only: /^(runtime-wasm\/loader\/|compiler\/(bundle\/format|graph\/dtype|error)\.ts$|node:)/,
	},
	{
		title: 'the page imports the loader, the bundle format, errors and what measures it, and no package',
		from: /^runtime-wasm\/page\//,
		only: /^(runtime-wasm\/(page|loader)\/|compiler\/(bundle\/format|error|bench\/(measure|job))\.ts$)/,
	},
	{
		title: 'the tokenizer module imports its two packages',
		from: /^runtime-wasm\/loader\/tokenizer\//,
		only: /^(runtime-wasm\/loader\/|compiler\/error\.ts$|@huggingface\/(tokenizers|jinja)$)/,
	},
	{
		title: 'stages do not call the pipeline or the command line',
		from: /^(compiler\/\w+\/(?<!commands\/)|targets\/|profiles\/|runtime-wasm\/)/,
		never: /^compiler\/(commands\/|cli\.ts|command-line\.ts|compile\.ts)/,
	},
	{title: 'profiles are data: they import errors and sizes', from: /^profiles\//, only: /^(profiles\/|compiler\/(error|size)\.ts$|node:)/},
	{title: 'only the queue knows Redis', from: /^(?!compiler\/jobs\/queue\.ts$)/, never: /^(bullmq|ioredis)/},
	{title: 'only the command line parses arguments', from: /^(?!compiler\/command-line\.ts$|compiler\/commands\/)/, never: /^yargs/},
	{
		title: 'no source imports a development tool',
		from: /^(compiler|targets|profiles|runtime-wasm\/loader)\//,
		never: /^(onnxruntime-node|onnx-proto|esbuild|playwright-core|puppeteer-core|@yowasp|tsx|ava)/,
	},
];

for (const rule of rules) {
	test(`imports: ${rule.title}`, t => {
		const concerned = edges.filter(({from}) => rule.from.test(from));
		const broken = concerned.filter(({to}) => ('only' in rule ? !rule.only.test(to) : rule.never.test(to)));
		t.true(
			sources.some(file => rule.from.test(file)),
			`no file matches ${String(rule.from)}`,
		);
		t.deepEqual(
			broken.map(({from, to}) => `${from} → ${to}`),
			[],
		);
	});
}

test('imports are found in every form', t => {
	const text =
		"import a from 'a';\nimport {\n\tb,\n} from \"./b.js\";\nimport type {C} from './c.js';\nexport * from 'd';\nimport 'e';\nawait import('./f.js');\nconst g = 'from';\n";
	t.deepEqual(importsOf(text), ['a', './b.js', './c.js', 'd', 'e', './f.js']);
	t.true(edges.length > 100);
});

test('the queue is loaded when it is asked for, and not before', t => {
	const loading = sources.filter(
		file => !/jobs\/(queue|store|parcel)\.ts$/.test(file) && /^(?:import|export) (?!type)[^;(=]* from '[^']*\/(?:queue|store|parcel)\.js'/m.test(read(file)),
	);
	t.deepEqual(loading, []);
	t.true(edges.some(({to}) => to === 'compiler/jobs/queue.ts'));
});

test('every imported file of the repository exists', t => {
	const known = new Set(files);
	t.deepEqual(
		edges.filter(({to}) => to.endsWith('.ts') && !known.has(to)).map(({from, to}) => `${from} → ${to}`),
		[],
	);
});

test('no source file has more than 400 lines', t => {
	const long = files
		.filter(file => /\.(ts|js|c|h|wgsl)$/.test(file))
		.map(file => ({file, lines: read(file).trimEnd().split('\n').length}))
		.filter(({lines}) => lines > 400);
	t.deepEqual(long, []);
});

test('every kernel is named by an op, a codec or the plan', t => {
	const prototypes = Object.keys(JSON.parse(read('dist/kernels/prototypes.json')) as Record<string, unknown>);
	const patterns = sources.filter(file => /^compiler\/(ops|codecs|plan|numeric|calibrate)\//.test(file)).flatMap(file => stringPatterns(read(file)));
	t.true(prototypes.length > 10);
	t.deepEqual(
		prototypes.filter(name => !patterns.some(pattern => pattern.test(name))),
		[],
	);
});

test('names in template literals become patterns that still name something', t => {
	const patterns = stringPatterns(
		"call('softmax_f32', x); call(`binary_${name}_${suffix}`, y); call(`${name}`); log('a b'); const row = 'norm'; call(`${row}_f32`);",
	);
	const spells = (name: string): boolean => patterns.some(pattern => pattern.test(name));
	t.true(spells('softmax_f32') && spells('binary_add_f32') && spells('norm_f32'));
	t.false(spells('softmax_f32x') || spells('unary_add_f32') || spells('gather_f32'));
});

test('the repository names no machine path and no package host', t => {
	// Written in pieces, so that this file does not name them.
	const banned = ['/wo' + 'rk/', '/tm' + 'p/', '/ro' + 'ot/', '/ho' + 'me/', 'registry.' + 'npmjs', 'pypi.' + 'org', 'deb.' + 'debian'];
	const text = files.filter(file => /\.(ts|js|json|c|h|md|html|wgsl|yml)$|^\.ci\//.test(file) && !file.startsWith('test/models/'));
	t.deepEqual(
		text.flatMap(file => banned.filter(word => read(file).includes(word)).map(word => `${file}: ${word}`)),
		[],
	);
});
