/**
 * The threads that help a model's worker are started by the page: a worker of Firefox that starts workers is blocked meanwhile, now and then
 * for half a minute.
 */
import {SnugError} from '../../compiler/error.js';
import {host} from './host.js';
import type {WorkerStart} from './host-type.js';

/** What all threads are told. */
export type TeamSetup = {
	readonly module: WebAssembly.Module;
	readonly memory: WebAssembly.Memory;
	readonly control: SharedArrayBuffer;
	/** Address of the program's barrier. */
	readonly barrier: number;
	readonly entries: ReadonlyArray<{readonly name: string; readonly symbols: number}>;
	/** With the worker's own, which is thread 0. */
	readonly threads: number;
};

export type ToThread = TeamSetup & {readonly thread: number};

/** Sent once. */
export type FromThread = 'ready';

/** Milliseconds that a thread may take to say that it runs. */
const patience = 10_000;

export type Threads = {
	/** Starts all but the first of a team. Rejects, and ends them, where one cannot be had. */
	start(team: TeamSetup): Promise<void>;
	/** @param error For a start that is under way, or comes later. */
	end(error: Error): void;
};

/** @param start How the model's worker was started. @param onLost Called when a thread dies that had started, and others may wait for. */
export function createThreads(start: WorkerStart, onLost: (error: Error) => void): Threads {
	const endings: Array<(error: Error) => void> = [];
	let ended: Error | undefined;
	const endAll = (error: Error): void => {
		for (const ending of endings.splice(0)) {
			ending(error);
		}
	};

	const join = async (team: TeamSetup, thread: number): Promise<void> =>
		new Promise((resolve, reject) => {
			let state: 'starts' | 'runs' | 'ended' = 'starts';
			const fail = (error: Error): void => {
				clearTimeout(timer);
				const was = state;
				state = 'ended';
				reject(error);
				if (was === 'runs') {
					onLost(error);
				}
			};

			const timer = setTimeout(() => {
				fail(new SnugError('worker-failed', {subject: `thread ${thread}`, problem: `did not start in ${patience / 1000} s`}));
			}, patience);
			try {
				const worker = host.startWorker<ToThread, FromThread>(start, 'thread', {
					onMessage() {
						if (state === 'starts') {
							clearTimeout(timer);
							state = 'runs';
							worker.keepAlive(false);
							resolve();
						}
					},
					onEnd: fail,
				});
				endings.push(error => {
					state = 'ended';
					fail(error);
					worker.terminate();
				});
				worker.post({...team, thread});
			} catch (error) {
				fail(error as Error);
			}
		});
	return {
		async start(team) {
			if (ended) {
				throw ended;
			}

			try {
				await Promise.all(Array.from({length: team.threads - 1}, async (_, index) => join(team, index + 1)));
			} catch (error) {
				endAll(error as Error);
				throw error;
			}
		},
		end(error) {
			ended = error;
			endAll(error);
		},
	};
}
