/** Numbers that look random and are the same for the same seed. */

export type Random = {
	/** At least 0, less than 1. */
	next(): number;
	/** Both ends included. */
	integer(min: number, max: number): number;
	pick<T>(list: readonly T[]): T;
};

export function createRandom(seed: number): Random {
	let state = seed * 2_654_435_761 + 1;
	const next = (): number => {
		state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
		return state / 2 ** 32;
	};

	const integer = (min: number, max: number): number => min + Math.floor(next() * (max - min + 1));
	return {next, integer, pick: list => list[integer(0, list.length - 1)]!};
}

/** Normal numbers. */
export function randomNumbers(count: number, seed: number, scale = 1): number[] {
	const {next} = createRandom(seed);
	const positive = (): number => next() + 2 ** -33;
	return Array.from({length: count}, () => scale * Math.sqrt(-2 * Math.log(positive())) * Math.cos(2 * Math.PI * positive()));
}
