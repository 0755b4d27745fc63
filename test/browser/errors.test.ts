/** What a page meets on the way: missing and damaged files, an abort, a context that is not secure, content security policies. */
import {readFileSync} from 'node:fs';
import path from 'node:path';
import anyTest, {type ExecutionContext} from 'ava';
import type {Server} from '../helpers/server.js';
import type {Page} from './browser.js';
import {launchChromium, type Chromium} from './chromium.js';
import {prompt, speakInNode} from './node.js';
import {pageOf} from './site.js';
import {prepare} from './stage.js';

const test = prepare(anyTest, {
	browser: 'Chromium',
	launch: launchChromium,
	model: 'books-3m',
	bundles: {bits: {codecs: ['scalar'], bits: 4}},
});

async function openPage(t: ExecutionContext, browser: Chromium, url: string): Promise<Page> {
	const page = await browser.newPage();
	t.teardown(async () => page.close());
	await page.open(url);
	return page;
}

/** The end of a worker shows a moment after the page asked for it. */
async function checkNoWorker(t: ExecutionContext, browser: Chromium): Promise<void> {
	for (let tries = 0; (await browser.workers()) > 0 && tries < 40; tries++) {
		await new Promise(resolve => {
			setTimeout(resolve, 50);
		});
	}

	t.is(await browser.workers(), 0, 'a worker is left');
}

/** The largest file of the bundle's chunks, as the server names it. */
function largestChunk(folder: string): string {
	const {chunks} = JSON.parse(readFileSync(path.join(folder, 'manifest.json'), 'utf8')) as {chunks: ReadonlyArray<{file: string; bytes: number}>};
	return `/${[...chunks].sort((a, b) => b.bytes - a.bytes)[0]!.file}`;
}

test('a bundle without its manifest is an error with the address and the status', async (t, {browser, serve}) => {
	const server = await serve('bits');
	server.fail('/manifest.json', {kind: 'status', status: 404});
	const page = await openPage(t, browser, pageOf(server));
	const refusal = await page.call('attempt', {});
	t.is(refusal?.code, 'http-status');
	t.true(refusal!.message.includes(`${server.url}manifest.json`), refusal!.message);
	t.regex(refusal!.message, /404/);
	await checkNoWorker(t, browser);
});

test('a damaged chunk is fetched once more, past the cache; damaged again it is an error', async (t, {browser, folder, serve}) => {
	const server = await serve('bits');
	const chunk = largestChunk(folder('bits'));
	server.fail(chunk, {kind: 'damage'});
	const page = await openPage(t, browser, pageOf(server));
	const refusal = await page.call('attempt', {});
	t.is(refusal?.code, 'damaged-file');
	t.true(refusal!.message.includes(chunk), refusal!.message);
	t.is(server.requests.get(chunk), 2);
	await checkNoWorker(t, browser);

	const other = await serve('bits');
	other.fail(chunk, {kind: 'damage'}, 1);
	await page.open(pageOf(other));
	t.is(await page.call('attempt', {}), null);
	t.is(other.requests.get(chunk), 2);
});

test('an aborted load ends at once with an AbortError, and its worker with it', async (t, {browser, folder, serve}) => {
	const server = await serve('bits');
	server.fail(largestChunk(folder('bits')), {kind: 'stall'});
	const page = await openPage(t, browser, pageOf(server));
	const started = performance.now();
	t.like(await page.call('attempt', {abortAtFirstByte: true}), {name: 'AbortError', code: null});
	t.true(performance.now() - started < 5000);
	await checkNoWorker(t, browser);
});

test('a budget below the bundle is an error that names what it needs', async (t, {browser, serve}) => {
	const page = await openPage(t, browser, pageOf(await serve('bits')));
	const refusal = await page.call('attempt', {budget: '1MB'});
	t.is(refusal?.code, 'budget-too-small');
	t.regex(refusal!.message, /expected at least [\d.]+/);
	await checkNoWorker(t, browser);
});

const elsewhere = ({url}: Server): string => pageOf({url: url.replace('127.0.0.1', 'snug.test')} as Server);

test('a page on plain http, which has no WebCrypto, loads and verifies all the same', async (t, {browser, folder, serve}) => {
	const server = await serve('bits');
	const page = await openPage(t, browser, elsewhere(server));
	t.deepEqual(await page.call('where'), {isolated: false, secure: false, webCrypto: false});
	await page.call('open', {simd: 'plain'});
	t.like(await page.call('speak', {prompt, tokens: 32}), await speakInNode(folder('bits'), 32));

	const damaged = await serve('bits');
	damaged.fail(largestChunk(folder('bits')), {kind: 'damage'});
	await page.open(elsewhere(damaged));
	t.is((await page.call('attempt', {}))?.code, 'damaged-file');
});

const policy = (script: string, worker = "'self'"): Readonly<Record<string, string>> => ({
	'content-security-policy': `default-src 'none'; script-src ${script}; worker-src ${worker}; connect-src 'self'; img-src data:`,
});

test("under a policy of script-src 'self' 'wasm-unsafe-eval' and worker-src 'self' the bundle's own loader works", async (t, {browser, folder, serve}) => {
	const page = await openPage(t, browser, pageOf(await serve('bits', policy("'self' 'wasm-unsafe-eval'"))));
	await page.call('open', {simd: 'plain'});
	t.like(await page.call('speak', {prompt, tokens: 32}), await speakInNode(folder('bits'), 32));
});

test("a policy without 'wasm-unsafe-eval' is an error that names it", async (t, {browser, serve}) => {
	const page = await openPage(t, browser, pageOf(await serve('bits', policy("'self'"))));
	const refusal = await page.call('attempt', {});
	t.is(refusal?.code, 'bad-program');
	t.regex(refusal!.message, /wasm-unsafe-eval/);
	await checkNoWorker(t, browser);
});

test('a policy without workers is an error that names it', async (t, {browser, serve}) => {
	const page = await openPage(t, browser, pageOf(await serve('bits', policy("'self' 'wasm-unsafe-eval'", "'none'"))));
	const refusal = await page.call('attempt', {});
	t.is(refusal?.code, 'worker-failed');
	t.regex(refusal!.message, /worker-src/);
});

test('a bundle of another origin loads where that origin allows it, with its own loader', async (t, {browser, folder, serve}) => {
	const allowing = await serve('bits', {'access-control-allow-origin': '*'});
	const page = await openPage(t, browser, pageOf(await serve('bits')));
	await page.call('open', {simd: 'plain', from: allowing.url});
	t.like(await page.call('speak', {prompt, tokens: 32}), await speakInNode(folder('bits'), 32));
	t.is(allowing.requests.get('/manifest.json'), 1);

	const refusal = await page.call('attempt', {from: (await serve('bits')).url});
	t.is(refusal?.name, 'TypeError', 'the browser itself refuses the module');
});
