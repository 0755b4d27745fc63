/** The server of `snug serve`: types, isolation, caching, ranges, and nothing outside of the folders. */
import {request} from 'node:http';
import {mkdirSync, symlinkSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {runCommandLine} from '../compiler/command-line.js';
import {rangeOf} from '../compiler/serve/answer.js';
import {serveMounts, type BundleServer} from '../compiler/serve/server.js';
import {snug} from './helpers/command-line.js';
import {temporaryFolder} from './helpers/temporary.js';
import {adder, writeBundle} from './helpers/tiny-bundle.js';

const hash = '0123456789abcdef0123456789abcdef';
const chunk = `chunks/${hash}.bin`;

async function start(t: ExecutionContext): Promise<BundleServer> {
	const folder = temporaryFolder(t);
	const [site, model] = [path.join(folder, 'site'), path.join(folder, 'model')];
	mkdirSync(site);
	mkdirSync(path.join(model, 'chunks'), {recursive: true});
	writeFileSync(path.join(folder, 'secret.txt'), 'secret');
	writeFileSync(path.join(site, 'index.html'), '<!doctype html>');
	writeFileSync(path.join(site, 'page.js'), '');
	writeFileSync(path.join(model, 'manifest.json'), '{}');
	writeFileSync(path.join(model, `plain.${hash.slice(0, 16)}.wasm`), 'wasm');
	writeFileSync(path.join(model, chunk), '0123456789');
	symlinkSync(path.join(folder, 'secret.txt'), path.join(model, 'link.txt'));
	const server = await serveMounts({'/': site, '/model/': model});
	t.teardown(async () => server.close());
	return server;
}

type Answer = {readonly status: number; readonly headers: Readonly<Record<string, string | string[] | undefined>>; readonly body: string};

/** With the path as it is: fetch would resolve dots. */
async function ask(
	{url}: BundleServer,
	target: string,
	{method = 'GET', headers = {}}: {method?: string; headers?: Record<string, string>} = {},
): Promise<Answer> {
	return new Promise((resolve, reject) => {
		request({host: '127.0.0.1', port: new URL(url).port, path: target, method, headers}, response => {
			let body = '';
			response.setEncoding('latin1').on('data', (text: string) => (body += text));
			response.on('end', () => {
				resolve({status: response.statusCode!, headers: response.headers, body});
			});
		})
			.on('error', reject)
			.end();
	});
}

test('files come with their type, isolated and under a policy', async t => {
	const server = await start(t);
	for (const [target, type] of [
		['/', 'text/html; charset=utf-8'],
		['/index.html', 'text/html; charset=utf-8'],
		['/page.js?x=1', 'text/javascript; charset=utf-8'],
		['/model/manifest.json', 'application/json; charset=utf-8'],
		[`/model/plain.${hash.slice(0, 16)}.wasm`, 'application/wasm'],
		[`/model/${chunk}`, 'application/octet-stream'],
	] as const) {
		const {status, headers} = await ask(server, target);
		t.is(status, 200, target);
		t.like(headers, {
			'content-type': type,
			'cross-origin-opener-policy': 'same-origin',
			'cross-origin-embedder-policy': 'require-corp',
			'x-content-type-options': 'nosniff',
		});
		t.regex(String(headers['content-security-policy']), /default-src 'none'/);
	}
});

test('hashed names are kept for good, others are asked for again', async t => {
	const server = await start(t);
	t.is((await ask(server, `/model/${chunk}`)).headers['cache-control'], 'public, max-age=31536000, immutable');
	t.is((await ask(server, `/model/plain.${hash.slice(0, 16)}.wasm`)).headers['cache-control'], 'public, max-age=31536000, immutable');
	const {headers} = await ask(server, '/model/manifest.json');
	t.is(headers['cache-control'], 'no-cache');
	const again = await ask(server, '/model/manifest.json', {headers: {'if-none-match': String(headers['etag'])}});
	t.is(again.status, 304);
	t.is(again.body, '');
	t.is((await ask(server, '/model/manifest.json', {headers: {'if-none-match': '"other"'}})).status, 200);
});

test('a range of bytes is handed out, one outside refused', async t => {
	const server = await start(t);
	const part = await ask(server, `/model/${chunk}`, {headers: {range: 'bytes=2-4'}});
	t.is(part.status, 206);
	t.is(part.body, '234');
	t.like(part.headers, {'content-range': 'bytes 2-4/10', 'content-length': '3'});
	const outside = await ask(server, `/model/${chunk}`, {headers: {range: 'bytes=10-'}});
	t.is(outside.status, 416);
	t.is(outside.headers['content-range'], 'bytes */10');
	// The file may have changed: the whole of it.
	t.is((await ask(server, `/model/${chunk}`, {headers: {range: 'bytes=2-4', 'if-range': '"other"'}})).body, '0123456789');
	t.deepEqual(rangeOf('bytes=7-', 10), {start: 7, end: 9});
	t.deepEqual(rangeOf('bytes=-3', 10), {start: 7, end: 9});
	t.deepEqual(rangeOf('bytes=0-99', 10), {start: 0, end: 9});
	t.is(rangeOf('bytes=-0', 10), 'outside');
	t.is(rangeOf('bytes=4-2', 10), undefined);
	t.is(rangeOf('bytes=0-1,3-4', 10), undefined);
	t.is(rangeOf('lines=0-1', 10), undefined);
});

test('nothing outside of the folders is reached', async t => {
	const server = await start(t);
	for (const target of [
		'/../secret.txt',
		'/model/../../secret.txt',
		'/model/..%2f..%2fsecret.txt',
		'/model/%2e%2e/%2e%2e/secret.txt',
		'/model/..%5c..%5csecret.txt',
		'/model/link.txt',
		'/model//manifest.json',
		'/model/manifest.json%00.js',
		'/model/%ff',
		'/model/chunks',
		'/none',
	]) {
		const {status, body} = await ask(server, target);
		t.is(status, 404, target);
		t.notRegex(body, /secret/);
	}
});

test('only this machine is answered, and only requests for files', async t => {
	const server = await start(t);
	t.is((await ask(server, '/', {headers: {host: 'attacker.example'}})).status, 421);
	t.is((await ask(server, '/', {headers: {host: 'localhost:1'}})).status, 200);
	const posted = await ask(server, '/', {method: 'POST'});
	t.is(posted.status, 405);
	t.is(posted.headers['allow'], 'GET, HEAD');
	const head = await ask(server, `/model/${chunk}`, {method: 'HEAD'});
	t.is(head.body, '');
	t.is(head.headers['content-length'], '10');
});

test('a port that is taken is an error that says so; among several the next is taken', async t => {
	const server = await start(t);
	const port = Number(new URL(server.url).port);
	const folder = temporaryFolder(t);
	await t.throwsAsync(serveMounts({'/': folder}, {port}), {message: new RegExp(`port ${port}: is taken by another program; choose another with --port`)});
	const next = await serveMounts({'/': folder}, {ports: {from: port, count: 10}});
	t.teardown(async () => next.close());
	t.true(Number(new URL(next.url).port) > port);
});

test('the command prints the address, serves page and bundle there, and ends when interrupted', async t => {
	const bundle = writeBundle(temporaryFolder(t), adder());
	const controller = new AbortController();
	let printed = (_text: string): void => undefined;
	const line = new Promise<string>(resolve => {
		printed = resolve;
	});
	const ended = runCommandLine(['serve', bundle, '--port', '0'], {
		stdout: {
			write(text) {
				printed(text);
			},
		},
		stderr: {write: () => undefined},
		signal: controller.signal,
	});
	const [, url] = /^adder: (http:\/\/127\.0\.0\.1:\d+\/)\n$/.exec(await line) ?? [];
	t.regex(await (await fetch(url!)).text(), /<title>Snug<\/title>/);
	t.deepEqual(((await (await fetch(new URL('model/manifest.json', url))).json()) as {name: string}).name, 'adder');
	controller.abort();
	t.is(await ended, 0);
	await t.throwsAsync(fetch(url!));
	t.is((await snug(['serve', temporaryFolder(t)])).status, 1);
});
