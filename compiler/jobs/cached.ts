/** Jobs whose results a cache keeps. */
import type {Cache, Entry} from './cache.js';
import type {Job, JobResult, Measured, WeightData} from './job.js';
import {letOthersRun, type Pool} from './pool.js';

/** A pool that looks into the cache first. */
export function cachedPool(pool: Pool, cache: Cache): Pool {
	return {
		...pool,
		async run<J extends Job>(job: J, signal?: AbortSignal): Promise<JobResult<J>> {
			const key = cache.key([job.kind, JSON.stringify(job.kind === 'measure' ? job.options : job.choice), ...bytesOfWeight(job.weight)]);
			await letOthersRun();
			const found = cache.get(key);
			if (found) {
				return (job.kind === 'measure' ? found.values : found.arrays) as JobResult<J>;
			}

			const result = await pool.run(job, signal);
			cache.put(key, entryOf(job, result));
			return result;
		},
	};
}

const entryOf = (job: Job, result: JobResult<Job>): Entry =>
	job.kind === 'measure' ? {values: result as Measured, arrays: []} : {values: {}, arrays: result as readonly Uint8Array[]};

export const viewOf = ({buffer, byteOffset, byteLength}: ArrayBufferView): Uint8Array => new Uint8Array(buffer, byteOffset, byteLength);

/** All that a job reads of a weight; its name is no part of it. */
function bytesOfWeight({rows, columns, values, statistics, quantized}: WeightData): Array<string | Uint8Array> {
	return [
		`${rows} ${columns}`,
		viewOf(values),
		...(statistics ? [`${statistics.tokens}`, viewOf(statistics.gram)] : []),
		...(quantized ? [`${quantized.bits} ${quantized.group}`, quantized.codes, viewOf(quantized.scales), viewOf(quantized.zeros)] : []),
	];
}
