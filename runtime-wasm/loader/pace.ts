/**
 * How many of the threads compute, by how it goes. Threads meet many times in a job; where another program takes the core of one of them, the
 * others wait for it each time, and fewer threads are faster: on two cores, one of them busy, a fifth of the time. Results do not depend on
 * the number.
 *
 * Two crowded jobs halve the number. After 16 calm ones there is one thread more; if that goes badly within 8 jobs it is taken away again, and
 * the next try comes after twice as many. Where half the threads are no faster, waiting belongs to the job, and all of it is undone.
 */

export type Pace = {
	/** For the next job: between 1 and all. */
	readonly threads: number;
	/** After a job. @param job Names what was done: jobs of one name are as much work. @param sleeps How often a thread waited for others until it fell asleep. */
	note(job: string, sleeps: number, milliseconds: number): void;
};

/** What a sleep costs, in milliseconds: the wait before it, and to be woken. Of a job's time, sleeps may take this share. */
const [SLEEP, SHARE] = [2, 0.25];

/** Crowded jobs, less a quarter of the calm ones between them, after which there are fewer threads. */
const STRIKES = 2;

/** Of a crowded job's time, what one with half the threads may take at most to be called faster. */
const GAIN = 0.8;

/** Jobs until one more is tried again: at first, doubled each time that it does not go well, and at most. */
const [SOON, LATE] = [16, 256];

/** Calm jobs after which a try has gone well. */
const TRIAL = 8;

/** How much of what a job was thought to sleep by itself is left when it sleeps less. */
const FADE = 0.98;

type Doubt = {
	readonly job: string;
	/** That there were. */
	readonly threads: number;
	readonly sleeps: number;
	/** With fewer threads the job has to take less. */
	readonly limit: number;
};

export function createPace(most: number): Pace {
	let threads = most;
	let strikes = 0;
	/** Calm jobs that are waited for until one more thread is tried, and how many of them are left. */
	let [wait, left] = [SOON, SOON];
	/** Calm jobs since one more thread is tried; undefined where none is. */
	let calm: number | undefined;
	/** Sleeps that belong to a job: a long call of one thread is one. */
	const own = new Map<string, number>();
	/** The job that was one too many, until the same with fewer threads has shown whether it is faster. */
	let doubt: Doubt | undefined;

	const lower = (to: number, next: number): void => {
		[threads, wait, left, strikes, calm] = [to, next, next, 0, undefined];
	};

	const raise = (to: number): void => {
		[threads, left, strikes, doubt] = [Math.min(most, to), wait, 0, undefined];
	};

	return {
		get threads() {
			return threads;
		},
		note(job, sleeps, milliseconds) {
			if (doubt?.job === job) {
				const before = doubt;
				doubt = undefined;
				if (milliseconds > before.limit) {
					own.set(job, Math.max(before.sleeps, own.get(job) ?? 0));
					raise(before.threads);
					return;
				}
			}

			const expected = own.get(job) ?? 0;
			if ((sleeps - expected) * SLEEP > SHARE * milliseconds) {
				strikes++;
				if (threads > 1 && calm !== undefined) {
					doubt = {job, threads, sleeps, limit: milliseconds};
					lower(threads - 1, Math.min(2 * wait, LATE));
				} else if (threads > 1 && strikes >= STRIKES) {
					// One that is still open stands for all that was taken away.
					doubt = {job, threads: doubt?.threads ?? threads, sleeps, limit: GAIN * milliseconds};
					lower(Math.ceil(threads / 2), SOON);
				}

				return;
			}

			if (threads === most && sleeps < expected) {
				own.set(job, Math.max(sleeps, FADE * expected));
			}

			strikes = Math.max(0, strikes - 0.25);
			if (calm !== undefined) {
				calm++;
				if (calm === TRIAL) {
					[calm, wait, left] = [undefined, SOON, SOON];
				}
			}

			if (calm === undefined && threads < most && --left <= 0) {
				// Where no job like the one in doubt came again, nothing has shown that fewer are faster.
				raise(doubt?.threads ?? threads + 1);
				calm = 0;
			}
		},
	};
}
