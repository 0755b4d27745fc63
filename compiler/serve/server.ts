/**
 * A static server on this machine's own address: the page at '/', the bundle under '/model/'. Pages are cross-origin isolated, so that
 * they may share memory between threads, and may load nothing from elsewhere.
 */
import {createServer, type IncomingMessage, type Server, type ServerResponse} from 'node:http';
import type {AddressInfo} from 'node:net';
import {existsSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import {SnugError} from '../error.js';
import {answerFile} from './answer.js';
import {findInside} from './files.js';

const host = '127.0.0.1';

const headers: Readonly<Record<string, string>> = {
	'cross-origin-opener-policy': 'same-origin',
	'cross-origin-embedder-policy': 'require-corp',
	'cross-origin-resource-policy': 'same-origin',
	'referrer-policy': 'no-referrer',
	'x-content-type-options': 'nosniff',
};

/** The page loads nothing from elsewhere and has no code in its markup. */
const pagePolicy =
	"default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; connect-src 'self'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export type BundleServer = {
	/** Ends in a slash. */
	readonly url: string;
	close(): Promise<void>;
};

export type ServeOptions = {
	/** The port; the first free one of `ports` unless given. */
	readonly port?: number | undefined;
	readonly ports?: {readonly from: number; readonly count: number};
	/** The content security policy; null for none. */
	readonly policy?: string | null;
};

/** Folders by the path under which they are served; the longest prefix that fits is taken. */
export type Mounts = Readonly<Record<string, string>>;

/** The page's files, from the sources as from the built package. */
export function pageFolder(): string {
	const candidates = ['../../page/', '../../dist/page/'].map(place => fileURLToPath(new URL(place, import.meta.url)));
	const found = candidates.find(folder => existsSync(`${folder}index.html`));
	if (found === undefined) {
		throw new SnugError('missing-page', {subject: candidates.at(-1)!, problem: 'the page is not built', hint: 'run npm run build'});
	}

	return found;
}

export const serveBundle = async (bundle: string, options: ServeOptions = {}): Promise<BundleServer> =>
	serveMounts({'/': pageFolder(), '/model/': bundle}, options);

/** Port 0 is any free one. */
export async function serveMounts(mounts: Mounts, {port = 0, ports, policy = pagePolicy}: ServeOptions = {}): Promise<BundleServer> {
	const prefixes = Object.keys(mounts).sort((a, b) => b.length - a.length);
	const sent = {...headers, ...(policy !== null && {'content-security-policy': policy})};
	const server = createServer((request, response) => {
		for (const [name, value] of Object.entries(sent)) {
			response.setHeader(name, value);
		}

		answer(request, response, mounts, prefixes).catch(() => response.destroy());
	});
	const listening = await (ports ? listenOnFree(server, ports.from, ports.count) : listen(server, port));
	return {
		url: `http://${host}:${listening}/`,
		async close() {
			server.closeAllConnections();
			await new Promise(resolve => {
				server.close(resolve);
			});
		},
	};
}

async function answer(request: IncomingMessage, response: ServerResponse, mounts: Mounts, prefixes: readonly string[]): Promise<void> {
	const refuse = (status: number, reason: string): void => {
		response.writeHead(status, {'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store'}).end(`${reason}\n`);
	};

	// Another name for this address is a foreign page that was pointed here (DNS rebinding).
	if (!/^(?:127\.0\.0\.1|localhost)(?::\d+)?$/.test(request.headers.host ?? '')) {
		refuse(421, 'This server answers to 127.0.0.1 and localhost only.');
		return;
	}

	if (request.method !== 'GET' && request.method !== 'HEAD') {
		response.setHeader('allow', 'GET, HEAD');
		refuse(405, 'This server only hands out files.');
		return;
	}

	const name = pathOf(request.url ?? '/');
	const prefix = name === undefined ? undefined : prefixes.find(candidate => name.startsWith(candidate));
	const rest = prefix === undefined ? undefined : name!.slice(prefix.length);
	const inside = rest === '' ? 'index.html' : rest;
	const file = inside === undefined ? undefined : findInside(mounts[prefix!]!, inside);
	if (file === undefined) {
		refuse(404, 'There is no such file.');
		return;
	}

	await answerFile(request, response, file, inside!);
}

/** The path as the client sent it: `new URL` would resolve dots away. */
function pathOf(url: string): string | undefined {
	try {
		return decodeURIComponent(url.replace(/[?#].*$/s, ''));
	} catch {
		return undefined;
	}
}

async function listen(server: Server, port: number): Promise<number> {
	return new Promise((resolve, reject) => {
		const fail = (error: NodeJS.ErrnoException): void => {
			reject(
				new SnugError(
					'no-port',
					{
						subject: `port ${port}`,
						problem: error.code === 'EADDRINUSE' ? 'is taken by another program' : `cannot be opened (${error.message})`,
						hint: 'choose another with --port, or leave it out',
					},
					{cause: error},
				),
			);
		};

		server.once('error', fail).listen(port, host, () => {
			server.off('error', fail);
			resolve((server.address() as AddressInfo).port);
		});
	});
}

async function listenOnFree(server: Server, from: number, count: number): Promise<number> {
	for (let port = from; ; port++) {
		try {
			return await listen(server, port);
		} catch (error) {
			if (port + 1 >= from + count) {
				throw error;
			}
		}
	}
}
