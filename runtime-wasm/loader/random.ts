/**
 * Random numbers for sampling: xoshiro128** (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2021), its state
 * filled from the seed by a 32-bit mixer. Equal seeds give equal numbers on every engine.
 */

/** Numbers in [0, 1), of 2⁻³² steps. */
export function random(seed: number): () => number {
	const [low, high] = [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0];
	let counter = low ^ Math.imul(high, 0x9e_37_79_b9);
	const mix = (): number => {
		counter = (counter + 0x9e_37_79_b9) | 0;
		let word = counter ^ (counter >>> 16);
		word = Math.imul(word, 0x85_eb_ca_6b);
		word = Math.imul(word ^ (word >>> 13), 0xc2_b2_ae_35);
		return word ^ (word >>> 16);
	};

	const state = new Int32Array([mix(), mix(), mix(), mix() | 1]);
	const rotate = (word: number, by: number): number => (word << by) | (word >>> (32 - by));
	return () => {
		const result = Math.imul(rotate(Math.imul(state[1]!, 5), 7), 9) >>> 0;
		const carried = state[1]! << 9;
		state[2]! ^= state[0]!;
		state[3]! ^= state[1]!;
		state[1]! ^= state[2]!;
		state[0]! ^= state[3]!;
		state[2]! ^= carried;
		state[3] = rotate(state[3]!, 11);
		return result / 2 ** 32;
	};
}
