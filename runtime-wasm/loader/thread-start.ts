/**
 * The threads that help a model's worker are started by the page: a worker of Firefox that starts workers is blocked meanwhile, now and then
 * for half a minute.
 */
import {SnugError} from '../../compiler/error.js';
import {host} from './host.js';
import type {WorkerStart} from './host-type.js';

/** What all threads are told. */
export type TeamStart = {
	readonly module: WebAssembly.Module;
	readonly memory: WebAssembly.Memory;
	readonly control: SharedArrayBuffer;
	/** Address of the program's barrier. */
	readonly barrier: number;
	readonly entries: ReadonlyArray<{readonly name: string; readonly symbols: number}>;
	/** With the worker's own, which is thread 0. */
	readonly threads: number;
};

export type ToThread = TeamStart & {readonly thread: number};

/** Sent once. */
export type FromThread = 'ready';

/** Milliseconds that a thread may take to say that it runs. */
const patience = 10_000;

export type Threads = {
	/** Starts all but the first of a team. Rejects, and ends them, where one cannot be had. */
	start(team: TeamStart): Promise<void>;
	/** @param error For a start that is under way. */
	end(error: Error): void;
};

/** @param start How the model's worker was started. */
export function createThreads(start: WorkerStart): Threads {
	const endings: Array<(error: Error) => void> = [];
	const end = (error: Error): void => {
		for (const ending of endings.splice(0)) {
			ending(error);
		}
	};

	const join = async (team: TeamStart, thread: number): Promise<void> =>
		new Promise((resolve, reject) => {
			const fail = (error: Error): void => {
				clearTimeout(timer);
				reject(error);
			};

			const timer = setTimeout(() => {
				fail(new SnugError('worker-failed', {subject: `thread ${thread}`, problem: `did not start in ${patience / 1000} s`}));
			}, patience);
			const worker = host.startWorker<ToThread, FromThread>(start, 'thread', {
				onMessage() {
					clearTimeout(timer);
					worker.keepAlive(false);
					resolve();
				},
				onEnd: fail,
			});
			endings.push(error => {
				fail(error);
				worker.terminate();
			});
			worker.post({...team, thread});
		});
	return {
		async start(team) {
			try {
				await Promise.all(Array.from({length: team.threads - 1}, async (_, index) => join(team, index + 1)));
			} catch (error) {
				end(error as Error);
				throw error;
			}
		},
		end,
	};
}
