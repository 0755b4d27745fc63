/** Browsers: module workers from the file itself or from a Blob URL, messages by `postMessage`. */
import {SnugError} from '../../compiler/error.js';
import {workerName, type Host, type Port, type Role, type WorkerEvents, type WorkerHandle, type WorkerStart} from './host-type.js';

/** A dedicated worker's global scope, as far as it is used here. */
type Scope = {
	readonly name: string;
	postMessage(message: unknown, transfer: Transferable[]): void;
	addEventListener(type: 'message', listener: (event: MessageEvent) => void): void;
	readonly document?: unknown;
};

const scope = globalThis as unknown as Scope;

function startWorker<Sent, Received>(start: WorkerStart, role: Role, {onMessage, onEnd}: WorkerEvents<Received>): WorkerHandle<Sent> {
	const blob = start.kind === 'code' ? URL.createObjectURL(new Blob([start.code], {type: 'text/javascript'})) : undefined;
	const worker = new Worker(blob ?? (start as {readonly url: string}).url, {type: 'module', name: workerName(role)});
	const forget = (): void => {
		if (blob !== undefined) {
			URL.revokeObjectURL(blob);
		}
	};

	worker.addEventListener('message', ({data}: MessageEvent<Received>) => {
		forget();
		onMessage(data);
	});
	worker.addEventListener('error', event => {
		forget();
		event.preventDefault();
		onEnd(
			new SnugError('worker-failed', {
				subject: 'worker',
				problem: event.message || 'the page may not start it',
				hint: "a content security policy must allow worker-src 'self' or blob:, and script-src 'wasm-unsafe-eval'",
			}),
		);
	});
	worker.addEventListener('messageerror', () => {
		forget();
		onEnd(new SnugError('worker-failed', {subject: 'worker', problem: 'sent what this page may not receive'}));
	});
	return {
		post: (message, transfer = []) => {
			worker.postMessage(message, transfer);
		},
		keepAlive() {},
		terminate() {
			forget();
			worker.terminate();
		},
	};
}

function port<Sent, Received>(role: Role): Port<Sent, Received> | undefined {
	if (scope.document !== undefined || scope.name !== workerName(role)) {
		return undefined;
	}

	return {
		post: (message, transfer = []) => {
			scope.postMessage(message, transfer);
		},
		listen: onMessage => {
			scope.addEventListener('message', ({data}) => {
				onMessage(data as Received);
			});
		},
	};
}

/** Workers have no document. */
const base = globalThis as {readonly document?: Document; readonly location: Location};

export const host: Host = {
	name: 'browser',
	present: true,
	startWorker,
	resolve: url => new URL(url, base.document?.baseURI ?? base.location.href),
	port,
	parallelism: () => navigator.hardwareConcurrency,
	/** A content security policy may forbid Blob URLs; the file's name carries the same hash. */
	async importModule(bytes, url) {
		const blob = URL.createObjectURL(new Blob([bytes as BufferSource], {type: 'text/javascript'}));
		try {
			return (await import(/* webpackIgnore: true */ /* @vite-ignore */ blob)) as unknown;
		} catch {
			return (await import(/* webpackIgnore: true */ /* @vite-ignore */ url.href)) as unknown;
		} finally {
			URL.revokeObjectURL(blob);
		}
	},
};
