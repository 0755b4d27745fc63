/** Jobs whose results a cache keeps. */
import type {Cache} from './cache.js';
import type {Entry} from './entry.js';
import type {Job, JobResult, Measured} from './job.js';
import {jobKey} from './key.js';
import {letOthersRun, type Pool} from './pool.js';

/** A pool that looks into the cache first. */
export function cachedPool(pool: Pool, cache: Cache): Pool {
	return {
		...pool,
		async run<J extends Job>(job: J, signal?: AbortSignal): Promise<JobResult<J>> {
			const key = jobKey(job);
			await letOthersRun();
			const found = cache.get(key);
			if (found) {
				return resultOf(job, found);
			}

			const result = await pool.run(job, signal);
			cache.put(key, entryOf(job, result));
			return result;
		},
	};
}

export const resultOf = <J extends Job>(job: J, {values, arrays}: Entry): JobResult<J> => (job.kind === 'measure' ? values : arrays) as JobResult<J>;

export const entryOf = (job: Job, result: JobResult<Job>): Entry =>
	job.kind === 'measure' ? {values: result as Measured, arrays: []} : {values: {}, arrays: result as readonly Uint8Array[]};
