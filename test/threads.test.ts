/** Several threads in Node: the same bytes for every number of them, traps on whichever thread, and an end for all. */
import {execFile} from 'node:child_process';
import {readFileSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {pathToFileURL} from 'node:url';
import {promisify} from 'node:util';
import test, {type ExecutionContext} from 'ava';
import type {LoadOptions, Model} from '../runtime-wasm/loader/index.js';
import {buildLoader} from '../runtime-wasm/build-loader.js';
import {compile} from '../compiler/compile.js';
import type {Manifest} from '../compiler/bundle/format.js';
import {buildModel} from './helpers/build-model.js';
import {temporaryFolder} from './helpers/temporary.js';
import {compileModel, findModel, type Compiled} from './helpers/models.js';

let books: Compiled;

test.before(async () => {
	books = await compileModel(findModel('books-3m')!, {bits: 4, threads: 4});
	await buildLoader(path.join(books.bundle, 'loader'));
});

test.after.always(async () => {
	await books[Symbol.asyncDispose]();
});

/** Through a built loader, whose workers start at once. */
async function load(folder: string, options: LoadOptions): Promise<Model> {
	const runtime = (await import(pathToFileURL(path.join(books.bundle, 'loader/runtime.node.js')).href)) as {
		load(url: string, options: LoadOptions): Promise<Model>;
	};
	return runtime.load(folder, options);
}

const prompt = [346, 479, 289, 261, 899, 12, 281, 292, 5, 77, 1021, 340, 18];

const ids = (tokens: readonly number[]) => ({input_ids: {type: 'int64', data: tokens.map(BigInt), dims: [1, tokens.length]}}) as const;

async function tokensOf(model: Model, maxTokens: number, from: readonly number[] = prompt): Promise<number[]> {
	const tokens: number[] = [];
	for await (const token of model.generateTokens(from, {maxTokens, temperature: 0, stopTokens: []})) {
		tokens.push(token);
	}

	return tokens;
}

test.serial('logits and tokens are the same bytes for 1, 2, 3 and 4 threads', async t => {
	const results: Array<{logits: Uint8Array; step: Uint8Array; tokens: number[]}> = [];
	for (const threads of [1, 2, 3, 4]) {
		const model = await load(books.bundle, {threads});
		t.is(model.info.threads, threads);
		// More tokens than a chunk, then one alone, then a text.
		const {logits} = await model.run(ids(Array.from({length: 100}, (_, index) => (index * 37 + 11) % 1000)));
		const {logits: step} = await model.run(ids([7]), {continue: true});
		const tokens = await tokensOf(model, 40);
		results.push({logits: new Uint8Array(logits!.data.buffer), step: new Uint8Array(step!.data.buffer), tokens});
		model.release();
	}

	t.true(results[0]!.logits.some(byte => byte !== 0));
	for (const result of results.slice(1)) {
		t.deepEqual(result, results[0]);
	}
});

test.serial('a hundred short texts come to an end, on more threads than there are cores', async t => {
	const model = await load(books.bundle, {threads: 4});
	const expected = await tokensOf(model, 4);
	for (let round = 0; round < 100; round++) {
		model.reset();
		t.deepEqual(await tokensOf(model, 4), expected);
	}

	model.release();
});

test.serial('there are as many threads as asked for, at most those of the program, and as many as cores by default', async t => {
	for (const [threads, least, most] of [
		[1, 1, 1],
		[9, 4, 4],
		['auto', 1, 4],
	] as const) {
		const model = await load(books.bundle, {threads});
		t.true(model.info.threads >= least && model.info.threads <= most, `${threads}: ${model.info.threads}`);
		model.release();
	}

	for (const threads of [0, 1.5, -1, Number.NaN]) {
		await t.throwsAsync(load(books.bundle, {threads}), {message: /option threads.*whole number of at least 1/});
	}
});

test.serial('a program that was compiled for one thread has no barrier and runs on one', async t => {
	const folder = path.join(temporaryFolder(t), 'bundle');
	await compile(findModel('books-3m')!, {output: folder, bits: 4, threads: 1});
	const manifest = JSON.parse(readFileSync(path.join(folder, 'manifest.json'), 'utf8')) as Manifest;
	t.is(manifest.threads, undefined);
	const [one, four] = [await load(folder, {threads: 4}), await load(books.bundle, {threads: 4})];
	t.is(one.info.threads, 1);
	t.deepEqual(await tokensOf(one, 8), await tokensOf(four, 8));
	one.release();
	four.release();
});

/** y = softmax of the rows of x that are asked for: threads share the look-up, so that a bad index traps on the thread that has it. */
async function lookUp(t: ExecutionContext): Promise<string> {
	const folder = temporaryFolder(t);
	const file = path.join(folder, 'model.onnx');
	writeFileSync(
		file,
		buildModel({
			inputs: {x: ['float32', [500, 64]], rows: ['int64', [300]]},
			outputs: {y: ['float32', [300, 64]]},
			nodes: [
				{op: 'Gather', inputs: ['x', 'rows'], outputs: ['z']},
				{op: 'Softmax', inputs: ['z'], outputs: ['y']},
			],
		}),
	);
	await compile(file, {output: path.join(folder, 'bundle')});
	return path.join(folder, 'bundle');
}

test.serial('a trap on any thread ends the run with the same error, and the model stays usable on all threads', async t => {
	const folder = await lookUp(t);
	const x = {type: 'float32', data: Float32Array.from({length: 500 * 64}, (_, index) => Math.sin(index)), dims: [500, 64]} as const;
	const feeds = (bad: readonly number[]) => ({
		x,
		rows: {
			type: 'int64',
			data: BigInt64Array.from({length: 300}, (_, index) => (bad.includes(index) ? 500n : BigInt((index * 7) % 500))),
			dims: [300],
		} as const,
	});
	const alone = await load(folder, {threads: 1});
	const expected = await alone.run(feeds([]));
	const {message} = await t.throwsAsync(alone.run(feeds([299])), {instanceOf: Error});
	t.regex(message, /^entry 'run': the program stopped/);
	alone.release();
	const model = await load(folder, {threads: 3});
	t.is(model.info.threads, 3);
	// One thread, the first, the middle or the last; all of them; again and again.
	for (const bad of [[299], [0], [150], [0, 150, 299], [299], [10, 290]]) {
		t.is((await t.throwsAsync(model.run(feeds(bad)), {message: /program stopped/})).message, message, String(bad));
		t.deepEqual(await model.run(feeds([])), expected);
	}

	model.release();
	await t.throwsAsync(model.run(feeds([])), {message: /released/});
});

test.serial('a process ends by itself, whether its model was released or not', async t => {
	const runtime = pathToFileURL(path.join(books.bundle, 'loader/runtime.node.js')).href;
	const script = (release: string): string => `
		import {load} from ${JSON.stringify(runtime)};
		const model = await load(${JSON.stringify(books.bundle)}, {threads: 3});
		await model.run({input_ids: {type: 'int64', data: [5n], dims: [1, 1]}});
		console.log(model.info.threads);
		${release}`;
	for (const release of ['', 'model.release();']) {
		const {stdout} = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script(release)], {timeout: 30_000});
		t.is(stdout.split('\n')[0], '3');
	}
});
