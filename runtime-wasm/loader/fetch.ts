/**
 * Fetches one file: retries what may pass (no connection, a stalled one, 5xx, 408, 429), never reads more than the file may have, and
 * says what went wrong with the address. Knows nothing of hashes. Runs where it is called: in the worker, or on the caller's thread.
 */
import {SnugError} from '../../compiler/error.js';
import {readBody, type Room} from './body.js';
import {isAbort} from './protocol.js';

export type FetchOptions = {
	readonly fetch: typeof globalThis.fetch;
	readonly signal: AbortSignal;
	/** Bytes that the file has; undefined when that is not known. */
	readonly bytes?: number | undefined;
	/** Where the bytes go if it is large enough for them. */
	readonly room?: Room | undefined;
	/** Passes by the HTTP cache. */
	readonly reload?: boolean;
	onBytes?(count: number): void;
	/** Tries in all; 4 unless given. */
	readonly tries?: number;
	/** Milliseconds before the second try; doubled each time. */
	readonly delay?: number;
	/** Milliseconds without a byte after which a connection counts as lost. */
	readonly stall?: number;
};

export async function fetchFile(url: URL, options: FetchOptions): Promise<Uint8Array> {
	const {signal, tries = 4, delay = 300} = options;
	for (let attempt = 1; ; attempt++) {
		let counted = 0;
		try {
			return await fetchOnce(url, {
				...options,
				onBytes(count) {
					counted += count;
					options.onBytes?.(count);
				},
			});
		} catch (error) {
			options.onBytes?.(-counted);
			signal.throwIfAborted();
			if (attempt >= tries || (error instanceof SnugError && !passing.has(error.code))) {
				throw error instanceof SnugError ? error : unreachable(url, error, attempt);
			}

			await sleep(delay * 2 ** (attempt - 1), signal);
		}
	}
}

/** Codes that a further try may not meet again. */
const passing: ReadonlySet<string> = new Set(['http-busy', 'stalled', 'short-file']);

const unreachable = (url: URL, cause: unknown, tries: number): SnugError =>
	new SnugError(
		'unreachable',
		{
			subject: url.href,
			problem: `cannot be fetched (${cause instanceof Error ? cause.message : String(cause)})`,
			found: `no answer in ${tries} ${tries === 1 ? 'try' : 'tries'}`,
			hint: 'check the address and the network; another origin must allow CORS',
		},
		{cause},
	);

async function fetchOnce(url: URL, {fetch, signal, bytes, room, reload = false, onBytes, stall = 30_000}: FetchOptions): Promise<Uint8Array> {
	const watch = new AbortController();
	const lost = new SnugError('stalled', {subject: url.href, problem: `no byte came for ${stall / 1000} s`, hint: 'check the network'});
	let timer = setTimeout(() => {
		watch.abort(lost);
	}, stall);
	const alive = (): void => {
		clearTimeout(timer);
		timer = setTimeout(() => {
			watch.abort(lost);
		}, stall);
	};

	const stop = (): void => {
		watch.abort(signal.reason);
	};

	signal.addEventListener('abort', stop);
	try {
		const work = (async () => {
			const response = await fetch(url.href, {
				signal: watch.signal,
				...(reload ? {cache: 'reload' as const} : bytes === undefined ? {cache: 'no-cache' as const} : {}),
			});
			alive();
			checkStatus(url, response);
			return readBody(url, response, bytes, room, count => {
				alive();
				onBytes?.(count);
			});
		})();
		return await Promise.race([work, rejection(watch.signal)]);
	} catch (error) {
		throw watch.signal.aborted && isAbort(error) ? watch.signal.reason : error;
	} finally {
		clearTimeout(timer);
		signal.removeEventListener('abort', stop);
		// Ends a body that nobody reads further.
		watch.abort();
	}
}

/** A caller's fetch may not know signals. */
const rejection = async (signal: AbortSignal): Promise<never> =>
	new Promise((_resolve, reject) => {
		signal.addEventListener('abort', () => {
			reject(signal.reason as Error);
		});
	});

function checkStatus(url: URL, response: Response): void {
	if (!response.ok) {
		const busy = response.status >= 500 || response.status === 408 || response.status === 429;
		throw new SnugError(busy ? 'http-busy' : 'http-status', {
			subject: url.href,
			problem: 'the server refuses it',
			expected: 'status 200',
			found: `${response.status}${response.statusText ? ` ${response.statusText}` : ''}`,
			hint: busy ? 'try again later' : 'check that the whole bundle was uploaded',
		});
	}
}

export const sleep = async (milliseconds: number, signal: AbortSignal): Promise<void> =>
	new Promise((resolve, reject) => {
		const timer = setTimeout(() => {
			signal.removeEventListener('abort', stop);
			resolve();
		}, milliseconds);
		const stop = (): void => {
			clearTimeout(timer);
			reject(signal.reason as Error);
		};

		signal.addEventListener('abort', stop);
	});
