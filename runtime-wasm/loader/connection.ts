/** The page's end of the line to one worker: starts it, numbers calls, and settles them by the worker's answers. */
import {SnugError} from '../../compiler/error.js';
import {fetchFile} from './fetch.js';
import {host} from './host.js';
import type {WorkerHandle, WorkerStart} from './host-type.js';
import {fromFailure, toFailure, type Call, type Results, type ToPage, type ToWorker, type PageRequest} from './protocol.js';
import {createThreads} from './thread-start.js';
import type {Progress} from './types.js';

type Pending = {
	resolve(result: Results[keyof Results]): void;
	reject(error: unknown): void;
	onPieces?(pieces: ReadonlyArray<string | number>): void;
};

export type Connection = {
	/** Sends a call. Aborting rejects it at once with the signal's reason and tells the worker. */
	call<K extends Call['kind']>(call: Extract<Call, {kind: K}>, options?: CallOptions): Promise<Results[K]>;
	/** Ends the worker; calls on their way are rejected. */
	close(error: Error): void;
};

export type CallOptions = {readonly signal?: AbortSignal | undefined; onPieces?(pieces: ReadonlyArray<string | number>): void};

export type ConnectOptions = {readonly fetch?: typeof globalThis.fetch | undefined; onProgress?(progress: Progress): void};

/** Milliseconds that a worker may take to say that it runs. */
const patience = 20_000;

export async function connect(starts: readonly WorkerStart[], options: ConnectOptions, signal: AbortSignal | undefined): Promise<Connection> {
	let failure: unknown;
	for (const start of starts) {
		signal?.throwIfAborted();
		try {
			return await open(start, options, signal);
		} catch (error) {
			signal?.throwIfAborted();
			failure = error;
		}
	}

	throw failure;
}

async function open(start: WorkerStart, options: ConnectOptions, signal: AbortSignal | undefined): Promise<Connection> {
	return new Promise((resolve, reject) => {
		const stop = (): void => {
			fail(signal!.reason as Error);
		};

		const timer = setTimeout(() => {
			fail(new SnugError('worker-failed', {subject: 'worker', problem: `did not start in ${patience / 1000} s`}));
		}, patience);
		const settle = (): void => {
			clearTimeout(timer);
			signal?.removeEventListener('abort', stop);
		};

		const line = makeLine(start, options, () => {
			settle();
			resolve(line.connection);
		});
		const fail = (error: Error): void => {
			settle();
			line.connection.close(error);
			reject(error);
		};

		signal?.addEventListener('abort', stop);
		try {
			line.attach(host.startWorker<ToWorker, ToPage>(start, 'model', {onMessage: line.receive, onEnd: fail}));
		} catch (error) {
			fail(error as Error);
		}
	});
}

function makeLine(start: WorkerStart, {fetch, onProgress}: ConnectOptions, onReady: () => void) {
	const pending = new Map<number, Pending>();
	const closed = new AbortController();
	let worker: WorkerHandle<ToWorker> | undefined;
	let count = 0;
	const close = (error: Error): void => {
		if (closed.signal.aborted) {
			return;
		}

		closed.abort(error);
		worker?.terminate();
		threads.end(error);
		for (const {reject} of pending.values()) {
			reject(error);
		}

		pending.clear();
	};

	const threads = createThreads(start, close);

	/** Ends a call; nothing keeps the process alive when none is left. */
	const take = (id: number): Pending | undefined => {
		const call = pending.get(id);
		pending.delete(id);
		if (pending.size === 0) {
			worker?.keepAlive(false);
		}

		return call;
	};

	const receive = (message: ToPage): void => {
		// Node delivers what a worker has said before it was ended.
		if (closed.signal.aborted) {
			return;
		}

		switch (message.kind) {
			case 'ready': {
				worker?.keepAlive(false);
				onReady();
				break;
			}

			case 'progress': {
				try {
					onProgress?.(message.progress);
				} catch (error) {
					close(error as Error);
				}

				break;
			}

			case 'pieces': {
				pending.get(message.id)?.onPieces?.(message.pieces);
				break;
			}

			case 'done': {
				take(message.id)?.resolve(message.result);
				break;
			}

			case 'failed': {
				take(message.id)?.reject(fromFailure(message.error));
				break;
			}

			case 'request': {
				void answer(message);
				break;
			}
		}
	};

	const fulfil = async (request: PageRequest): Promise<ArrayBuffer | null> => {
		switch (request.kind) {
			case 'fetch': {
				const {url, bytes, reload} = request;
				return (await fetchFile(new URL(url), {fetch: fetch!, signal: closed.signal, bytes, reload})).buffer as ArrayBuffer;
			}

			case 'threads': {
				await threads.start(request.team);
				return null;
			}
		}
	};

	const answer = async ({id, request}: Extract<ToPage, {kind: 'request'}>): Promise<void> => {
		try {
			const bytes = await fulfil(request);
			worker?.post({kind: 'answer', id, bytes}, bytes ? [bytes] : []);
		} catch (error) {
			worker?.post({kind: 'refusal', id, error: toFailure(error)});
		}
	};

	const call = async (sent: Call, {signal, onPieces}: CallOptions = {}): Promise<Results[keyof Results]> => {
		closed.signal.throwIfAborted();
		signal?.throwIfAborted();
		const id = count++;
		const stop = (): void => {
			worker?.post({kind: 'abort', id});
			take(id)?.reject(signal!.reason);
		};

		try {
			return await new Promise((resolve, reject) => {
				pending.set(id, {resolve, reject, ...(onPieces && {onPieces})});
				signal?.addEventListener('abort', stop);
				worker!.keepAlive(true);
				worker!.post({kind: 'call', id, call: sent});
			});
		} finally {
			signal?.removeEventListener('abort', stop);
			take(id);
		}
	};

	return {
		receive,
		attach(handle: WorkerHandle<ToWorker>) {
			worker = handle;
			if (closed.signal.aborted) {
				handle.terminate();
			}
		},
		connection: {call: call as Connection['call'], close},
	};
}
