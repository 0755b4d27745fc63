/** The Kullback-Leibler divergence of rows of logits, on the kernels: what `kullbackLeibler` says, for many rows of whole vocabularies. */
import {kernels} from './kernels.js';

/** Rows that lie side by side. */
const BLOCK = 8;

/** @returns the mean over rows, in nats. @param reference Logits p. @param logits Logits q, as many. */
export function meanDivergence(reference: readonly Float32Array[], logits: readonly Float32Array[]): number {
	const run = kernels();
	const columns = reference[0]!.length;
	let total = 0;
	for (let first = 0; first < reference.length; first += BLOCK) {
		const rows = Math.min(BLOCK, reference.length - first);
		const places = run.layOut(24 * rows, 4 * rows * columns, 4 * rows * columns) as [number, number, number];
		const view = (index: number): Float32Array => new Float32Array(run.memory.buffer, places[index], rows * columns);
		for (let row = 0; row < rows; row++) {
			view(1).set(reference[first + row]!, row * columns);
			view(2).set(logits[first + row]!, row * columns);
		}

		run.call('divergence_f32', ...places, rows, columns);
		const sums = new Float64Array(run.memory.buffer, places[0], 3 * rows);
		for (let at = 0; at < sums.length; at += 3) {
			const [p, q, difference] = sums.subarray(at, at + 3) as unknown as [number, number, number];
			total += Math.log(q / p) + difference / p;
		}
	}

	return total / reference.length;
}
