/** The interface behind which browsers and Node differ. */
/** How a worker starts: from a module of its own, or from code. */
export type WorkerStart = {readonly kind: 'module'; readonly url: string} | {readonly kind: 'code'; readonly code: string};

/** The owner of a model, or one that helps it to compute. */
export type Role = 'model' | 'thread';

export type WorkerHandle<Sent> = {
	post(message: Sent, transfer?: Transferable[]): void;
	/** Node only: whether the worker keeps the process alive. */
	keepAlive(yes: boolean): void;
	terminate(): void;
};

export type WorkerEvents<Received> = {
	onMessage(message: Received): void;
	/** The worker could not start, or died. */
	onEnd(error: Error): void;
};

/** The worker's end of the line. */
export type Port<Sent, Received> = {
	post(message: Sent, transfer?: Transferable[]): void;
	listen(onMessage: (message: Received) => void): void;
};

export type Host = {
	readonly name: 'browser' | 'node';
	/** Whether this is the place that runs. */
	readonly present: boolean;
	/** Throws, or calls `onEnd`, when this place refuses such a worker. */
	startWorker<Sent, Received>(start: WorkerStart, role: Role, events: WorkerEvents<Received>): WorkerHandle<Sent>;
	/** The absolute form of what the caller named; folders end in a slash or not. */
	resolve(url: string | URL): URL;
	/** In a worker of this role: the line to who started it. Undefined elsewhere. */
	port<Sent, Received>(role: Role): Port<Sent, Received> | undefined;
	/** Cores that this place offers. */
	parallelism(): number;
	/** The bytes of a file: URL; undefined where there are no files. */
	readonly readFile?: (url: URL, signal: AbortSignal) => Promise<Uint8Array>;
	/** Imports a module whose bytes were verified. */
	importModule(bytes: Uint8Array, url: URL): Promise<unknown>;
};

/** Tells a worker of ours from any other that imports the same file. */
export const workerName = (role: Role): string => `snug-${role}`;
