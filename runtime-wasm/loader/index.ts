/** `snug/runtime`: loads a bundle and runs it in a worker, in browsers and in Node. */
import {connect} from './connection.js';
import {host} from './host.js';
import {makeModel} from './model.js';
import {parseBudget, parseThreads} from './size.js';
import {readManifest} from './source.js';
import type {LoadOptions, Model} from './types.js';
import {ownTokenizer, workerStarts} from './worker-start.js';

export {SnugError} from '../../compiler/error.js';
export type * from './types.js';

/** Loads the bundle in the folder `url`: relative to the page, or in Node a path, a file: or an http: URL. */
export async function load(url: string | URL, options: LoadOptions = {}): Promise<Model> {
	const {budget = 'auto', simd = 'auto', threads = 'auto', signal, fetch, onProgress} = options;
	signal?.throwIfAborted();
	const manifest = manifestOf(host.resolve(url));
	const request = {
		kind: 'load',
		url: manifest.href,
		budget: parseBudget(budget),
		simd,
		threads: parseThreads(threads),
		remote: fetch !== undefined,
		tokenizer: ownTokenizer?.href ?? null,
	} as const;
	const ended = new AbortController();
	const stop = (): void => {
		ended.abort(signal!.reason);
	};

	signal?.addEventListener('abort', stop);
	const connecting = connect(workerStarts, {fetch, ...(onProgress && {onProgress})}, ended.signal);
	try {
		const [connection, bundle] = await Promise.all([connecting, readManifest(manifest, fetch, ended.signal)]);
		return makeModel(connection, await connection.call({...request, bundle}, {signal: ended.signal}));
	} catch (error) {
		// Whatever is still on its way ends; a worker that came is let go.
		ended.abort(error);
		const connection = await connecting.catch(() => undefined);
		connection?.close(error as Error);
		throw error;
	} finally {
		signal?.removeEventListener('abort', stop);
	}
}

function manifestOf(url: URL): URL {
	const folder = new URL(url);
	if (!folder.pathname.endsWith('/') && !folder.pathname.endsWith('.json')) {
		folder.pathname += '/';
	}

	return folder.pathname.endsWith('/') ? new URL('manifest.json', folder) : folder;
}
