/** Answers a request with a file: type, caching by hash or entity tag, a range of bytes. RFC 9110, 9111. */
import {createReadStream} from 'node:fs';
import type {IncomingMessage, ServerResponse} from 'node:http';
import path from 'node:path';
import {pipeline} from 'node:stream/promises';
import type {ServedFile} from './files.js';

const types: Readonly<Record<string, string>> = {
	'.html': 'text/html; charset=utf-8',
	'.js': 'text/javascript; charset=utf-8',
	'.mjs': 'text/javascript; charset=utf-8',
	'.css': 'text/css; charset=utf-8',
	'.json': 'application/json; charset=utf-8',
	'.jinja': 'text/plain; charset=utf-8',
	'.txt': 'text/plain; charset=utf-8',
	'.wasm': 'application/wasm',
	'.svg': 'image/svg+xml',
};

/** A name with a hash of its content never changes what it means. */
const hashed = /(?:^|[./])[\da-f]{16,64}\.\w+$/;

export async function answerFile(request: IncomingMessage, response: ServerResponse, file: ServedFile, name: string): Promise<void> {
	const tag = `"${file.bytes.toString(36)}-${Math.round(file.modified).toString(36)}"`;
	response.setHeader('content-type', types[path.extname(name)] ?? 'application/octet-stream');
	response.setHeader('etag', tag);
	response.setHeader('accept-ranges', 'bytes');
	response.setHeader('cache-control', hashed.test(name) ? 'public, max-age=31536000, immutable' : 'no-cache');
	if ((request.headers['if-none-match'] ?? '').split(',').some(candidate => candidate.trim().replace(/^W\//, '') === tag)) {
		response.writeHead(304).end();
		return;
	}

	const condition = request.headers['if-range'];
	const range = condition === undefined || condition === tag ? rangeOf(request.headers.range, file.bytes) : undefined;
	if (range === 'outside') {
		response.writeHead(416, {'content-range': `bytes */${file.bytes}`}).end();
		return;
	}

	const {start, end} = range ?? {start: 0, end: file.bytes - 1};
	response.setHeader('content-length', end - start + 1);
	response.writeHead(range ? 206 : 200, range && {'content-range': `bytes ${start}-${end}/${file.bytes}`});
	if (request.method === 'HEAD' || file.bytes === 0) {
		response.end();
		return;
	}

	await pipeline(createReadStream(file.path, {start, end, highWaterMark: 262_144}), response);
}

/** One range of bytes; undefined for none and for what may be ignored (several ranges, other units). */
export function rangeOf(header: string | undefined, bytes: number): {readonly start: number; readonly end: number} | 'outside' | undefined {
	const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
	if (first === undefined || last === undefined || (first === '' && last === '')) {
		return undefined;
	}

	if (first === '') {
		return Number(last) === 0 || bytes === 0 ? 'outside' : {start: Math.max(0, bytes - Number(last)), end: bytes - 1};
	}

	const [start, end] = [Number(first), last === '' ? bytes - 1 : Math.min(Number(last), bytes - 1)];
	if (last !== '' && Number(last) < start) {
		return undefined;
	}

	return start >= bytes ? 'outside' : {start, end};
}
