import test, {type ExecutionContext} from 'ava';
import {SnugError} from '../../compiler/error.js';
import {fetchFile, type FetchOptions} from '../../runtime-wasm/loader/fetch.js';
import {temporaryFolder} from '../helpers/temporary.js';
import {serveFolder, type Server} from '../helpers/server.js';
import {writeFileSync} from 'node:fs';
import path from 'node:path';

const content = Uint8Array.from({length: 100_000}, (_, index) => index % 251);

async function serve(t: ExecutionContext): Promise<Server> {
	const folder = temporaryFolder(t);
	writeFileSync(path.join(folder, 'file.bin'), content);
	const server = await serveFolder(folder);
	t.teardown(async () => server.close());
	return server;
}

const options = (more: Partial<FetchOptions> = {}): FetchOptions => ({
	fetch: globalThis.fetch,
	signal: new AbortController().signal,
	delay: 5,
	bytes: content.length,
	...more,
});

const file = (server: Server): URL => new URL('file.bin', server.url);

async function code(t: ExecutionContext, call: Promise<unknown>): Promise<string | undefined> {
	const error = await t.throwsAsync(call, {instanceOf: SnugError});
	t.true(error.message.includes('/file.bin'), error.message);
	return error.code;
}

test('a file comes whole, with or without its size known', async t => {
	const server = await serve(t);
	t.deepEqual(await fetchFile(file(server), options()), content);
	t.deepEqual(await fetchFile(file(server), options({bytes: undefined})), content);
});

test('files lie in a room, one after the other; one that is too small is replaced', async t => {
	const server = await serve(t);
	const room = {buffer: new ArrayBuffer(content.length + 10)};
	for (let times = 0; times < 2; times++) {
		new Uint8Array(room.buffer).fill(0);
		const found = await fetchFile(file(server), options({room}));
		t.is(found.buffer, room.buffer);
		t.deepEqual(found, content);
	}

	const small = {buffer: new ArrayBuffer(content.length - 1)};
	const found = await fetchFile(file(server), options({room: small}));
	t.is(found.buffer, small.buffer);
	t.deepEqual(found, content);
});

test('a connection that stalls is given up and tried again', async t => {
	const server = await serve(t);
	server.fail('/file.bin', {kind: 'stall'}, 1);
	let counted = 0;
	const onBytes = (count: number): void => {
		counted += count;
	};

	t.deepEqual(await fetchFile(file(server), options({stall: 1000, onBytes})), content);
	t.is(counted, content.length, 'bytes of the lost try are taken back');
	const before = server.requests.get('/file.bin') ?? 0;
	t.true(before >= 2);
	server.fail('/file.bin', {kind: 'hang'});
	t.is(await code(t, fetchFile(file(server), options({stall: 50, tries: 2}))), 'stalled');
	t.is(server.requests.get('/file.bin'), before + 2);
});

test('what does not pass is not tried again', async t => {
	const server = await serve(t);
	server.fail('/file.bin', {kind: 'status', status: 403});
	t.is(await code(t, fetchFile(file(server), options())), 'http-status');
	t.is(server.requests.get('/file.bin'), 1);
});

test('a server that stays busy is an error after the last try', async t => {
	const server = await serve(t);
	server.fail('/file.bin', {kind: 'status', status: 500});
	t.is(await code(t, fetchFile(file(server), options({tries: 3}))), 'http-busy');
	t.is(server.requests.get('/file.bin'), 3);
});

test('a file that is longer than it may be is not read on', async t => {
	const server = await serve(t);
	let counted = 0;
	t.is(
		await code(
			t,
			fetchFile(
				file(server),
				options({
					bytes: 10,
					onBytes(count) {
						counted += count;
					},
				}),
			),
		),
		'long-file',
	);
	t.is(counted, 0);
});

test('a file that is too short is an error', async t => {
	const server = await serve(t);
	t.is(await code(t, fetchFile(file(server), options({bytes: content.length + 1, tries: 2}))), 'short-file');
});

test('nobody at the address is an error after all tries', async t => {
	const server = await serve(t);
	const url = file(server);
	await server.close();
	t.is(await code(t, fetchFile(url, options({tries: 2}))), 'unreachable');
});

test('aborting ends a request, and the wait before the next one', async t => {
	const server = await serve(t);
	for (const fault of [{kind: 'hang'}, {kind: 'stall'}, {kind: 'status', status: 503}] as const) {
		server.fail('/file.bin', fault);
		const controller = new AbortController();
		const reason = new Error(`aborted at ${fault.kind}`);
		const started = Date.now();
		setTimeout(() => {
			controller.abort(reason);
		}, 100);
		t.is(await t.throwsAsync(fetchFile(file(server), options({signal: controller.signal, delay: 60_000}))), reason);
		t.true(Date.now() - started < 10_000);
	}
});

test('a fetch that knows no signals is ended too', async t => {
	const controller = new AbortController();
	const reason = new Error('enough');
	setTimeout(() => {
		controller.abort(reason);
	}, 20);
	const deaf: typeof fetch = async () => new Promise(() => undefined);
	t.is(await t.throwsAsync(fetchFile(new URL('http://localhost/file.bin'), options({fetch: deaf, signal: controller.signal}))), reason);
});
