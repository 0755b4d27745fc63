/** Normal numbers, the same for the same seed. */
export function randomNumbers(count: number, seed: number, scale = 1): number[] {
	let state = seed * 2_654_435_761 + 1;
	const next = (): number => {
		state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
		return (state + 0.5) / 2 ** 32;
	};

	return Array.from({length: count}, () => scale * Math.sqrt(-2 * Math.log(next())) * Math.cos(2 * Math.PI * next()));
}
