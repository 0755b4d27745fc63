/**
 * How many of the threads compute, by how it goes. Threads meet many times in a job; where another program takes the core of one of them, the
 * others wait for it each time, and fewer threads are faster: on two cores, one of them busy, a fifth of the time. Results do not depend on
 * the number.
 */

export type Pace = {
	/** For the next job: between 1 and all. */
	readonly threads: number;
	/** After a job with so many threads. @param sleeps How often a thread waited for others until it fell asleep. */
	note(entry: string, sleeps: number, milliseconds: number): void;
};

/** What a sleep costs, in milliseconds: the wait before it, and to be woken. Of a job's time, sleeps may take this share. */
const [SLEEP, SHARE] = [2, 0.25];

/** Crowded jobs, less a quarter of the calm ones between them, after which there is one thread less. */
const STRIKES = 2;

/** Jobs until one more is tried again: at first, doubled each time that it does not go well, and at most. */
const [SOON, LATE] = [16, 256];

/** Calm jobs after which a try has gone well. */
const TRIED = 8;

export function createPace(most: number): Pace {
	let threads = most;
	let [strikes, wait, left] = [0, SOON, SOON];
	/** Calm jobs since one more thread is tried; undefined where none is. */
	let tried: number | undefined;
	/** Sleeps that belong to an entry: a long call of one thread is one. */
	const own = new Map<string, number>();
	/** The last job that was one too many, until one of the same entry with fewer threads has shown whether it is faster. */
	let doubt: {readonly entry: string; readonly sleeps: number; readonly milliseconds: number} | undefined;
	return {
		get threads() {
			return threads;
		},
		note(entry, sleeps, milliseconds) {
			if (doubt?.entry === entry) {
				const {sleeps: before, milliseconds: slow} = doubt;
				doubt = undefined;
				if (milliseconds > slow) {
					own.set(entry, Math.max(before, own.get(entry) ?? 0));
					threads++;
					return;
				}
			}

			if ((sleeps - (own.get(entry) ?? 0)) * SLEEP > SHARE * milliseconds) {
				strikes++;
				if (threads > 1 && (tried !== undefined || strikes >= STRIKES)) {
					threads--;
					wait = tried === undefined ? SOON : Math.min(2 * wait, LATE);
					[left, strikes, tried] = [wait, 0, undefined];
					doubt = {entry, sleeps, milliseconds};
				}

				return;
			}

			strikes = Math.max(0, strikes - 0.25);
			if (tried !== undefined) {
				tried++;
				if (tried === TRIED) {
					[tried, wait] = [undefined, SOON];
				}
			}

			if (tried === undefined && threads < most && --left <= 0) {
				threads++;
				[tried, left] = [0, wait];
			}
		},
	};
}
