/** The part of Node's `process` that the loader uses. */
import type * as Buffer from 'node:buffer';
import type * as Files from 'node:fs/promises';
import type * as System from 'node:os';
import type * as Url from 'node:url';
import type * as Threads from 'node:worker_threads';

export type WorkerThreads = typeof Threads;

export type HostProcess = {
	readonly versions?: {readonly node?: string};
	getBuiltinModule(name: 'node:worker_threads'): typeof Threads;
	getBuiltinModule(name: 'node:os'): typeof System;
	getBuiltinModule(name: 'node:url'): typeof Url;
	getBuiltinModule(name: 'node:fs/promises'): typeof Files;
	getBuiltinModule(name: 'node:buffer'): typeof Buffer;
};
