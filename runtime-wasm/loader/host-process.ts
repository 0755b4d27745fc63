/** The part of Node's `process` that the loader uses. */
export type HostProcess = {
	readonly versions?: {readonly node?: string};
	getBuiltinModule(name: 'node:worker_threads'): typeof import('node:worker_threads');
	getBuiltinModule(name: 'node:url'): typeof import('node:url');
	getBuiltinModule(name: 'node:fs/promises'): typeof import('node:fs/promises');
	getBuiltinModule(name: 'node:buffer'): typeof import('node:buffer');
};
