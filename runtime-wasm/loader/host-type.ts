/** The interface behind which browsers and Node differ. */
import type {ToPage, ToWorker} from './protocol.js';

/** How a worker starts: from a module of its own, or from code. */
export type WorkerStart = {readonly kind: 'module'; readonly url: URL} | {readonly kind: 'code'; readonly code: string};

export type WorkerHandle = {
	post(message: ToWorker, transfer?: Transferable[]): void;
	/** Node only: whether the worker keeps the process alive. */
	keepAlive(yes: boolean): void;
	terminate(): void;
};

export type WorkerEvents = {
	onMessage(message: ToPage): void;
	/** The worker could not start, or died. */
	onEnd(error: Error): void;
};

/** The worker's end of the line. */
export type Port = {
	post(message: ToPage, transfer?: Transferable[]): void;
	listen(onMessage: (message: ToWorker) => void): void;
};

export type Host = {
	readonly name: 'browser' | 'node';
	/** Whether this is the place that runs. */
	readonly present: boolean;
	/** Throws, or calls `onEnd`, when this place refuses such a worker. */
	startWorker(start: WorkerStart, events: WorkerEvents): WorkerHandle;
	/** The absolute form of what the caller named; folders end in a slash or not. */
	resolve(url: string | URL): URL;
	/** In a worker: the line to its page. Undefined on a page, and in workers of others. */
	port(): Port | undefined;
	/** The bytes of a file: URL; undefined where there are no files. */
	readonly readFile?: (url: URL, signal: AbortSignal) => Promise<Uint8Array>;
	/** Imports a module whose bytes were verified. */
	importModule(bytes: Uint8Array, url: URL): Promise<unknown>;
};

/** Tells a worker of ours from any other that imports the same file. */
export const workerName = 'snug-model';
