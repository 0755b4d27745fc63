/** The pace of an answer while it comes: milliseconds in, tokens a second out. Pieces of text stand for tokens until the count is known. */

export type Pace = {
	piece(now: number): void;
	/** Milliseconds from the start to the first piece; undefined before it. */
	readonly first: number | undefined;
	readonly pieces: number;
	/** Tokens a second over the last pieces, and for each of them. */
	readonly recent: number;
	readonly history: readonly number[];
	/** Over the whole answer, with its true number of tokens. */
	overall(tokens: number): number | undefined;
};

/** Pieces over which the live figure is taken: some tenths of a second. */
const window = 16;
const kept = 80;

export function startPace(began: number): Pace {
	const times: number[] = [];
	const history: number[] = [];
	let pieces = 0;
	let first: number | undefined;
	let last = began;
	const recent = (): number => (times.length < 2 ? 0 : ((times.length - 1) * 1000) / Math.max(0.01, times.at(-1)! - times[0]!));
	return {
		piece(now) {
			pieces++;
			first ??= now;
			last = now;
			times.push(now);
			if (times.length > window) {
				times.shift();
			}

			if (times.length > 2) {
				history.push(recent());
				if (history.length > kept) {
					history.shift();
				}
			}
		},
		get first() {
			return first === undefined ? undefined : first - began;
		},
		get pieces() {
			return pieces;
		},
		get recent() {
			return recent();
		},
		get history() {
			return history;
		},
		overall: tokens => (first === undefined || tokens < 2 || last <= first ? undefined : ((tokens - 1) * 1000) / (last - first)),
	};
}
