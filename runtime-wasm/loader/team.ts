/**
 * The threads that compute together: the model's worker, which is thread 0, and workers that it starts. Jobs go to all at once.
 */
import {SnugError} from '../../compiler/error.js';
import {abandon, createControl, mostSymbols, openControl, publish, recover} from './control.js';
import {host} from './host.js';
import type {WorkerHandle, WorkerStart} from './host-type.js';
import type {Bundle} from './manifest.js';

export type ToThread = {
	readonly module: WebAssembly.Module;
	readonly memory: WebAssembly.Memory;
	readonly control: SharedArrayBuffer;
	/** Address of the program's barrier. */
	readonly barrier: number;
	readonly entries: ReadonlyArray<{readonly name: string; readonly symbols: number}>;
	readonly thread: number;
	readonly threads: number;
};

/** Sent once. */
export type FromThread = 'ready';

/** Runs `body`, which calls the entry as thread 0, while the other threads call it too. */
export type Team = {readonly threads: number; run(entry: string, symbols: readonly number[], body: (thread: number, threads: number) => void): void};

/** One thread needs nobody. */
export const alone: Team = {
	threads: 1,
	run(_entry, _symbols, body) {
		body(0, 1);
	},
};

/** Milliseconds that the other threads may take to say that they run. */
const patience = 10_000;

/** How many threads to try: what is asked for, as far as program and place allow. */
export function chooseThreads(asked: number | null, {threads, entries}: Bundle): number {
	const most = threads?.most ?? 1;
	const isolated = (globalThis as {crossOriginIsolated?: boolean}).crossOriginIsolated ?? true;
	const fits = Object.values(entries).every(({symbols}) => symbols.length <= mostSymbols);
	return typeof SharedArrayBuffer === 'undefined' || !isolated || !fits ? 1 : Math.min(asked ?? host.parallelism(), most);
}

/** Starts the other threads of a shared memory; where one cannot be had there are none. */
export async function startTeam(start: WorkerStart, module: WebAssembly.Module, memory: WebAssembly.Memory, bundle: Bundle, threads: number): Promise<Team> {
	const control = createControl();
	const names = Object.keys(bundle.entries);
	const barrier = bundle.threads!.barrier;
	const entries = names.map(name => ({name, symbols: bundle.entries[name]!.symbols.length}));
	const workers: Array<WorkerHandle<ToThread>> = [];
	const join = async (thread: number): Promise<void> =>
		new Promise((resolve, reject) => {
			const timer = setTimeout(() => {
				reject(new SnugError('worker-failed', {subject: `thread ${thread}`, problem: `did not start in ${patience / 1000} s`}));
			}, patience);
			const worker = host.startWorker<ToThread, FromThread>(start, 'thread', {
				onMessage() {
					clearTimeout(timer);
					worker.keepAlive(false);
					resolve();
				},
				onEnd(error) {
					clearTimeout(timer);
					reject(error);
				},
			});
			workers.push(worker);
			worker.post({module, memory, control, barrier, entries, thread, threads});
		});
	try {
		await Promise.all(Array.from({length: threads - 1}, async (_, index) => join(index + 1)));
	} catch {
		for (const worker of workers) {
			worker.terminate();
		}

		return alone;
	}

	const words = openControl(control, memory, barrier);
	return {
		threads,
		run(entry, symbols, body) {
			publish(words, names.indexOf(entry), symbols);
			try {
				body(0, threads);
			} catch (error) {
				abandon(words, error instanceof Error ? error.message : String(error));
				throw new Error(recover(words, threads - 1), {cause: error});
			}
		},
	};
}
