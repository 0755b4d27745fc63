/** A static file server with the faults that networks have, switched for each path while it runs. */
import {createServer, type ServerResponse} from 'node:http';
import {readFile} from 'node:fs/promises';
import type {AddressInfo} from 'node:net';
import path from 'node:path';

export type Fault =
	/** Answers with this status. */
	| {readonly kind: 'status'; readonly status: number}
	/** Never answers. */
	| {readonly kind: 'hang'}
	/** Sends half of the file and then nothing. */
	| {readonly kind: 'stall'}
	/** Changes a byte in the middle. */
	| {readonly kind: 'damage'}
	/** Breaks the connection in the middle. */
	| {readonly kind: 'break'}
	/** Waits before the answer. */
	| {readonly kind: 'slow'; readonly milliseconds: number};

export type Server = {
	readonly url: string;
	/** Requests by path, such as '/manifest.json'. */
	readonly requests: Map<string, number>;
	/** The next `times` requests of a path meet the fault. */
	fail(path: string, fault: Fault, times?: number): void;
	close(): Promise<void>;
};

const types: Readonly<Record<string, string>> = {
	'.html': 'text/html',
	'.js': 'text/javascript',
	'.mjs': 'text/javascript',
	'.json': 'application/json',
	'.wasm': 'application/wasm',
};

export async function serveFolder(folder: string, headers: Readonly<Record<string, string>> = {}): Promise<Server> {
	const requests = new Map<string, number>();
	const faults = new Map<string, {fault: Fault; times: number}>();
	const server = createServer((request, response) => {
		const name = decodeURIComponent(new URL(request.url!, 'http://localhost').pathname);
		requests.set(name, (requests.get(name) ?? 0) + 1);
		const planned = faults.get(name);
		const fault = planned && planned.times-- > 0 ? planned.fault : undefined;
		void answer(path.join(folder, name), response, fault, headers);
	});
	await new Promise<void>(resolve => {
		server.listen(0, '127.0.0.1', resolve);
	});
	return {
		url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
		requests,
		fail(name, fault, times = Infinity) {
			faults.set(name, {fault, times});
		},
		async close() {
			server.closeAllConnections();
			await new Promise(resolve => {
				server.close(resolve);
			});
		},
	};
}

async function answer(file: string, response: ServerResponse, fault: Fault | undefined, headers: Readonly<Record<string, string>>): Promise<void> {
	if (fault?.kind === 'hang') {
		return;
	}

	if (fault?.kind === 'slow') {
		await new Promise(resolve => {
			setTimeout(resolve, fault.milliseconds);
		});
	}

	const bytes = fault?.kind === 'status' ? undefined : await readFile(file).catch(() => undefined);
	if (bytes === undefined) {
		response.writeHead(fault?.kind === 'status' ? fault.status : 404).end('no');
		return;
	}

	const middle = bytes.length >> 1;
	response.writeHead(200, {'content-type': types[path.extname(file)] ?? 'application/octet-stream', 'content-length': bytes.length, ...headers});
	switch (fault?.kind) {
		case 'stall': {
			response.write(bytes.subarray(0, middle));
			break;
		}

		case 'break': {
			response.write(bytes.subarray(0, middle), () => response.destroy());
			break;
		}

		case 'damage': {
			const damaged = Uint8Array.from(bytes);
			damaged[middle]! ^= 1;
			response.end(damaged);
			break;
		}

		default: {
			response.end(bytes);
		}
	}
}
