/** Runs jobs on all cores (piscina); small ones at once, where a thread would cost more than it saves. */
import {availableParallelism} from 'node:os';
import {Piscina} from 'piscina';
import {workerFile} from '../built-files.js';
import {SnugError, type ErrorDetail} from '../error.js';
import {runJob, type Job, type JobResult} from './job.js';

export type Pool = {
	/** Jobs that are worth keeping under way at once, so that no data waits in a queue. */
	readonly width: number;
	run<J extends Job>(job: J, signal?: AbortSignal): Promise<JobResult<J>>;
	close(): Promise<void>;
};

/** What a thread sends back. */
export type Answer<T> = {readonly result: T} | {readonly code: string; readonly detail: ErrorDetail};

/** Weights of a job from which on a thread takes it. */
const SMALL = 1 << 16;

/**
 * @param threads All of the machine unless given; none start before a job needs them.
 * @param alwaysOnThreads Whether this thread runs no job itself, however small.
 */
export function openPool(threads: number = availableParallelism(), {alwaysOnThreads = false} = {}): Pool {
	let pool: Piscina | undefined;
	return {
		width: threads + 1,
		async run<J extends Job>(job: J, signal?: AbortSignal): Promise<JobResult<J>> {
			signal?.throwIfAborted();
			if (!alwaysOnThreads && (threads === 1 || job.weight.values.length < SMALL)) {
				await letOthersRun();
				return runJob(job);
			}

			pool ??= new Piscina({filename: workerFile('job-worker.js'), name: 'answer', minThreads: 1, maxThreads: threads});
			const answer = (await pool.run(job, {...(signal && {signal})})) as Answer<JobResult<J>>;
			if ('code' in answer) {
				throw new SnugError(answer.code, answer.detail);
			}

			return answer.result;
		},
		async close() {
			await pool?.destroy();
		},
	};
}

/** Kernels run synchronously; progress and signals come through here. */
export const letOthersRun = async (): Promise<void> =>
	new Promise(resolve => {
		setImmediate(resolve);
	});

/** Maps `items` in order, at most `width` under way; the first error ends it. */
export async function mapInOrder<A, B>(items: readonly A[], width: number, run: (item: A, index: number) => Promise<B>): Promise<B[]> {
	const results = new Array<B>(items.length);
	let next = 0;
	const work = async (): Promise<void> => {
		while (next < items.length) {
			const index = next++;
			try {
				results[index] = await run(items[index]!, index);
			} catch (error) {
				next = items.length;
				throw error;
			}
		}
	};

	await Promise.all(Array.from({length: Math.min(width, items.length)}, work));
	return results;
}
