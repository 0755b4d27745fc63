import {pathToFileURL} from 'node:url';
import test, {type ExecutionContext} from 'ava';
import {load, SnugError, type Feed, type LoadOptions, type Model, type Progress} from '../../runtime-wasm/loader/index.js';
import {temporaryFolder} from '../helpers/temporary.js';
import {serveFolder, type Server} from '../helpers/server.js';
import {adder, weight, writeBundle} from '../helpers/tiny-bundle.js';

const feeds: Readonly<Record<string, Feed>> = {x: {type: 'float32', data: [1, 2, 3, 4, 5, 6, 7, 8], dims: [2, 4]}};
const sums = [11, 22, 33, 44, 15, 26, 37, 48];

async function open(t: ExecutionContext, url: string | URL, options?: LoadOptions): Promise<Model> {
	const model = await load(url, options);
	t.teardown(() => {
		model.release();
	});
	return model;
}

async function serveAdder(t: ExecutionContext): Promise<Server> {
	const server = await serveFolder(writeBundle(temporaryFolder(t), adder()));
	t.teardown(async () => server.close());
	return server;
}

const refused = async (t: ExecutionContext, call: Promise<unknown>, code: string): Promise<SnugError> => {
	const error = await t.throwsAsync(call, {instanceOf: SnugError});
	t.is(error.code, code, error.message);
	return error;
};

test('a bundle loads from a path, a file URL and an HTTP address', async t => {
	const folder = writeBundle(temporaryFolder(t), adder());
	const server = await serveFolder(folder);
	t.teardown(async () => server.close());
	for (const url of [
		folder,
		`${folder}/`,
		`${folder}/manifest.json`,
		pathToFileURL(folder),
		pathToFileURL(folder).href,
		server.url,
		`${server.url}manifest.json`,
	]) {
		const model = await open(t, url);
		const {y} = await model.run(feeds);
		t.deepEqual(Array.from(y!.data as Float32Array), sums);
		t.deepEqual(y!.dims, [2, 4]);
		t.is(y!.type, 'float32');
	}
});

test('info says what was loaded', async t => {
	const server = await serveAdder(t);
	const progress: Progress[] = [];
	const {info} = await open(t, server.url, {
		budget: '1MB',
		onProgress(step) {
			progress.push(step);
		},
	});
	const {files} = adder();
	const bytes = [...files.values()].reduce((sum, file) => sum + file.length, 0);
	t.like(info, {
		target: 'wasm',
		threads: 1,
		simd: 'plain',
		level: 0,
		levels: 1,
		budget: 1e6,
		bytesLoaded: bytes,
		memory: 65_536 + files.get('program.wasm')!.length,
	});
	t.deepEqual(info.inputs, [{name: 'x', type: 'float32', dims: ['n', 4]}]);
	t.deepEqual(progress.at(-1), {loaded: bytes, total: bytes, level: 0});
});

test('every file is fetched once', async t => {
	const server = await serveAdder(t);
	await open(t, server.url);
	t.deepEqual(Object.fromEntries(server.requests), {'/manifest.json': 1, '/program.wasm': 1, '/chunks/first.bin': 1, '/chunks/second.bin': 1});
});

test('a budget below the bundle is refused with the smallest figure', async t => {
	const server = await serveAdder(t);
	const error = await refused(t, load(server.url, {budget: 60_000}), 'budget-too-small');
	t.regex(error.message, /at least 70000 bytes/);
	t.is(server.requests.get('/chunks/first.bin'), undefined);
	await refused(t, load(server.url, {budget: 'lots'}), 'bad-size');
});

test('a missing file is an error that names its address and status', async t => {
	const server = await serveAdder(t);
	server.fail('/chunks/second.bin', {kind: 'status', status: 404});
	const error = await refused(t, load(server.url), 'http-status');
	t.regex(error.message, /chunks\/second\.bin.*404/);
	t.is(server.requests.get('/chunks/second.bin'), 1);
});

test('a missing folder is an error that names the file', async t => {
	const error = await refused(t, load('/nowhere/at/all'), 'unreadable');
	t.regex(error.message, /nowhere\/at\/all\/manifest\.json/);
});

test('busy servers and broken connections are tried again', async t => {
	const server = await serveAdder(t);
	server.fail('/program.wasm', {kind: 'status', status: 503}, 2);
	server.fail('/chunks/first.bin', {kind: 'break'}, 1);
	const model = await open(t, server.url);
	t.deepEqual(Array.from((await model.run(feeds))['y']!.data as Float32Array), sums);
	t.is(server.requests.get('/program.wasm'), 3);
	t.is(server.requests.get('/chunks/first.bin'), 2);
	t.is(
		model.info.bytesLoaded,
		[...adder().files.values()].reduce((sum, file) => sum + file.length, 0),
	);
});

test('a damaged chunk is fetched once more', async t => {
	const server = await serveAdder(t);
	server.fail('/chunks/first.bin', {kind: 'damage'}, 1);
	const model = await open(t, server.url);
	t.deepEqual(Array.from((await model.run(feeds))['y']!.data as Float32Array), sums);
	t.is(server.requests.get('/chunks/first.bin'), 2);
});

test('a chunk that stays damaged is an error with both hashes', async t => {
	const server = await serveAdder(t);
	server.fail('/chunks/first.bin', {kind: 'damage'});
	const error = await refused(t, load(server.url), 'damaged-file');
	t.true(error.message.includes(adder().manifest.chunks[0]!.sha256));
	t.regex(error.message, /chunks\/first\.bin.*found [\da-f]{64}/);
	t.is(server.requests.get('/chunks/first.bin'), 2);
});

test('loading ends when its signal aborts, with the reason of the signal', async t => {
	const server = await serveAdder(t);
	server.fail('/chunks/second.bin', {kind: 'hang'});
	const controller = new AbortController();
	const reason = new Error('changed my mind');
	const loading = load(server.url, {
		signal: controller.signal,
		onProgress() {
			controller.abort(reason);
		},
	});
	t.is(await t.throwsAsync(loading), reason);
	t.is(await t.throwsAsync(load(server.url, {signal: AbortSignal.abort(reason)})), reason);
});

test("a caller's fetch brings every file, on the caller's thread", async t => {
	const server = await serveAdder(t);
	const asked: string[] = [];
	const model = await open(t, 'http://models.invalid/adder/', {
		async fetch(url, init) {
			const name = (url as string).replace('http://models.invalid/adder/', '');
			asked.push(name);
			return fetch(server.url + name, init);
		},
	});
	t.deepEqual(Array.from((await model.run(feeds))['y']!.data as Float32Array), sums);
	t.deepEqual(asked.sort(), ['chunks/first.bin', 'chunks/second.bin', 'manifest.json', 'program.wasm']);
});

test('relaxed SIMD is refused where the engine has none', async t => {
	const server = await serveAdder(t);
	await refused(t, load(server.url, {simd: 'relaxed'}), 'no-relaxed-simd');
	t.is((await open(t, server.url, {simd: 'plain'})).info.simd, 'plain');
});

test('feeds that do not fit are refused by name', async t => {
	const model = await open(t, writeBundle(temporaryFolder(t), adder()));
	const cases: ReadonlyArray<readonly [Record<string, Feed>, RegExp]> = [
		[{}, /input 'x': not given.*float32 \[n, 4\]/],
		[{...feeds, z: feeds['x']!}, /input 'z': the model has no such input: expected x/],
		[{x: {type: 'int32', data: [1, 2, 3, 4], dims: [1, 4]}}, /input 'x': wrong type: expected float32, found int32/],
		[{x: {type: 'float32', data: [1, 2, 3], dims: [1, 3]}}, /input 'x': wrong dimensions: expected \[n, 4\] = \[1, 4\], found \[1, 3\]/],
		[{x: {type: 'float32', data: [1, 2, 3], dims: [1, 4]}}, /input 'x': the data do not fill/],
		[{x: {type: 'float32', data: [1, 2, 3, 4], dims: [4]}}, /input 'x': wrong number of dimensions: expected 2/],
		[{x: {type: 'float32', data: new Float32Array(36), dims: [9, 4]}}, /input 'x': n is out of range: expected 1 to 8, found 9/],
		[{x: {type: 'float32', data: new Int32Array(4), dims: [1, 4]}}, /input 'x': wrong kind of data: expected Float32Array/],
	];
	for (const [given, message] of cases) {
		await t.throwsAsync(model.run(given), {instanceOf: SnugError, message});
	}

	await t.throwsAsync(model.run(feeds, {outputs: ['w']}), {message: /output 'w'/});
	t.deepEqual(Array.from((await model.run(feeds))['y']!.data as Float32Array), sums);
});

test('tensors of other libraries, whose fields are accessors, are read', async t => {
	const model = await open(t, writeBundle(temporaryFolder(t), adder()));
	const x = Object.create({
		get type() {
			return 'float32';
		},
		get data() {
			return Float32Array.of(1, 2, 3, 4);
		},
		get dims() {
			return [1, 4];
		},
		dispose() {},
	}) as Feed;
	t.deepEqual(Array.from((await model.run({x}))['y']!.data as Float32Array), sums.slice(0, 4));
});

test('calls on one model are done in order', async t => {
	const model = await open(t, writeBundle(temporaryFolder(t), adder()));
	const finished: number[] = [];
	const runs = Array.from({length: 20}, async (_, index) => {
		const {y} = await model.run({x: {type: 'float32', data: [index, 0, 0, 0], dims: [1, 4]}});
		finished.push(index);
		return (y!.data as Float32Array)[0];
	});
	t.deepEqual(
		await Promise.all(runs),
		Array.from({length: 20}, (_, index) => index + weight[0]),
	);
	t.deepEqual(
		finished,
		Array.from({length: 20}, (_, index) => index),
	);
});

test('an aborted run rejects with the reason and leaves the model usable', async t => {
	const model = await open(t, writeBundle(temporaryFolder(t), adder()));
	const controller = new AbortController();
	const run = model.run(feeds, {signal: controller.signal});
	controller.abort(new Error('enough'));
	await t.throwsAsync(run, {message: 'enough'});
	t.deepEqual(Array.from((await model.run(feeds))['y']!.data as Float32Array), sums);
});

test('release ends the calls on their way, and later ones', async t => {
	const model = await open(t, writeBundle(temporaryFolder(t), adder()));
	const run = model.run(feeds);
	model.release();
	await refused(t, run, 'released');
	await refused(t, model.run(feeds), 'released');
	t.notThrows(() => {
		model.release();
	});
});
