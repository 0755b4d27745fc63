/** A thread of the pool. Errors lose their class on the way between threads, so those of the input go as data. */
import {SnugError} from '../error.js';
import {runJob, type Job, type JobResult} from './job.js';
import type {Answer} from './pool.js';

export function answer(job: Job): Answer<JobResult<Job>> {
	try {
		return {result: runJob(job)};
	} catch (error) {
		if (error instanceof SnugError) {
			return {code: error.code, detail: error.detail};
		}

		throw error;
	}
}
