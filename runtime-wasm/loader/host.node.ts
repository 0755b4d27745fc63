/** Node: worker threads, file: URLs. Built-in modules are taken when needed, so that this file also loads in browsers. */
import type {HostProcess, WorkerThreads} from './host-process.js';
import {SnugError} from '../../compiler/error.js';
import {workerName, type Host, type Port, type Role, type WorkerEvents, type WorkerHandle, type WorkerStart} from './host-type.js';

const runtime = (globalThis as {process?: HostProcess}).process;
const present = typeof runtime?.getBuiltinModule === 'function' && runtime.versions?.node !== undefined;
const threads = (): WorkerThreads => runtime!.getBuiltinModule('node:worker_threads');

function startWorker<Sent, Received>(start: WorkerStart, role: Role, {onMessage, onEnd}: WorkerEvents<Received>): WorkerHandle<Sent> {
	const url = new URL(start.kind === 'code' ? `data:text/javascript,${encodeURIComponent(start.code)}` : start.url);
	const name = workerName(role);
	const worker = new (threads().Worker)(url, {name, workerData: name});
	worker.on('message', (message: Received) => {
		onMessage(message);
	});
	worker.on('error', onEnd);
	worker.on('messageerror', onEnd);
	worker.on('exit', code => {
		onEnd(new SnugError('worker-failed', {subject: 'worker', problem: `ended with status ${code}`}));
	});
	return {
		post: (message, transfer = []) => {
			worker.postMessage(message, transfer as Parameters<typeof worker.postMessage>[1]);
		},
		keepAlive: yes => {
			if (yes) {
				worker.ref();
			} else {
				worker.unref();
			}
		},
		terminate: () => {
			void worker.terminate();
		},
	};
}

function resolve(url: string | URL): URL {
	return url instanceof URL || /^(?:[a-z][\w+.-]*:\/\/|file:)/i.test(url) ? new URL(url) : runtime!.getBuiltinModule('node:url').pathToFileURL(url);
}

function port<Sent, Received>(role: Role): Port<Sent, Received> | undefined {
	const {parentPort, workerData} = threads() as {parentPort: WorkerThreads['parentPort']; workerData: unknown};
	if (parentPort === null || workerData !== workerName(role)) {
		return undefined;
	}

	return {
		post: (message, transfer = []) => {
			parentPort.postMessage(message, transfer as Parameters<typeof parentPort.postMessage>[1]);
		},
		listen: onMessage => {
			parentPort.on('message', (message: Received) => {
				onMessage(message);
			});
		},
	};
}

export const host: Host = {
	name: 'node',
	present,
	startWorker,
	resolve,
	port,
	parallelism: () => runtime!.getBuiltinModule('node:os').availableParallelism(),
	readFile: async (url, signal) => runtime!.getBuiltinModule('node:fs/promises').readFile(url, {signal}),
	importModule: async bytes => {
		const {Buffer} = runtime!.getBuiltinModule('node:buffer');
		const url = `data:text/javascript;base64,${Buffer.from(bytes).toString('base64')}`;
		return (await import(/* webpackIgnore: true */ /* @vite-ignore */ url)) as unknown;
	},
};
