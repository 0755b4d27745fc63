/** A weight is read by jobs of whole blocks of rows, so that little of it is in memory in f32. */

/** Weights that one job holds in f32, about. */
const JOB_WEIGHTS = 1 << 20;

export type RowJob = {readonly first: number; readonly count: number};

/** Rows of a job: blocks of so many. */
export const jobRows = (columns: number, block: number): number => block * Math.max(1, Math.floor(JOB_WEIGHTS / columns / block));

/** The last job has what is left, which may end inside a block. */
export function* rowJobs(rows: number, columns: number, block: number): Generator<RowJob> {
	const step = jobRows(columns, block);
	for (let first = 0; first < rows; first += step) {
		yield {first, count: Math.min(step, rows - first)};
	}
}
