/** Runs jobs on all cores (piscina); small ones at once, where a thread would cost more than it saves. */
import {availableParallelism} from 'node:os';
import {Piscina} from 'piscina';
import {loaderFile} from '../bundle/loader-files.js';
import {runJob, type Job, type JobResult} from './job.js';

export type Pool = {
	/** Jobs that are worth keeping under way at once, so that no data waits in a queue. */
	readonly width: number;
	run<J extends Job>(job: J, signal?: AbortSignal): Promise<JobResult<J>>;
	close(): Promise<void>;
};

/** Weights of a job from which on a thread takes it. */
const SMALL = 1 << 16;

/** @param threads All of the machine unless given; none start before a job needs them. */
export function openPool(threads: number = availableParallelism()): Pool {
	let pool: Piscina | undefined;
	return {
		width: threads + 1,
		async run<J extends Job>(job: J, signal?: AbortSignal): Promise<JobResult<J>> {
			signal?.throwIfAborted();
			if (threads === 1 || job.weight.values.length < SMALL) {
				return runJob(job);
			}

			pool ??= new Piscina({filename: loaderFile('job-worker.js'), minThreads: 1, maxThreads: threads});
			return (await pool.run(job, {...(signal && {signal})})) as JobResult<J>;
		},
		async close() {
			await pool?.destroy();
		},
	};
}

/** Maps `items` in order, at most `width` under way. */
export async function mapInOrder<A, B>(items: readonly A[], width: number, run: (item: A, index: number) => Promise<B>): Promise<B[]> {
	const results = new Array<B>(items.length);
	let next = 0;
	const work = async (): Promise<void> => {
		while (next < items.length) {
			const index = next++;
			results[index] = await run(items[index]!, index);
		}
	};

	await Promise.all(Array.from({length: Math.min(width, items.length)}, work));
	return results;
}
