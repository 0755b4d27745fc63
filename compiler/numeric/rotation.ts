/**
 * Orthogonal matrices that spread a vector's energy over all its elements: Q = D (H ⊗ O), with random signs D, the Hadamard matrix H of
 * the largest power of two that divides the size, and a random orthogonal O for the odd rest (as in QuaRot, arXiv 2404.00456, and QuIP#).
 * Applying one costs size × (log₂ of the one + the other), so large models need no dense matrix.
 */
import {dot} from './dot.js';
import {createGenerator} from './random.js';

export type Rotation = {
	readonly size: number;
	/** Replaces each row v of `size` elements by v Q. */
	rotate(rows: Float32Array): void;
};

export function createRotation(size: number, seed: number): Rotation {
	const power = size & -size;
	const odd = size / power;
	const random = createGenerator(seed);
	const signs = Float64Array.from({length: size}, () => (random() < 0.5 ? -1 : 1) / Math.sqrt(power));
	const small = orthogonal(odd, random);
	const row = new Float64Array(size);
	return {
		size,
		rotate(rows) {
			for (let start = 0; start < rows.length; start += size) {
				for (let i = 0; i < size; i++) {
					row[i] = rows[start + i]! * signs[i]!;
				}

				// Element i is [i / odd][i % odd] of a matrix [power][odd].
				for (let half = odd; half < size; half *= 2) {
					for (let block = 0; block < size; block += 2 * half) {
						for (let i = block; i < block + half; i++) {
							const a = row[i]!;
							const b = row[i + half]!;
							row[i] = a + b;
							row[i + half] = a - b;
						}
					}
				}

				for (let block = 0; block < size; block += odd) {
					for (let j = 0; j < odd; j++) {
						let sum = 0;
						for (let i = 0; i < odd; i++) {
							sum += row[block + i]! * small[i * odd + j]!;
						}

						rows[start + block + j] = sum;
					}
				}
			}
		},
	};
}

/** Replaces W [rows, columns] by Qᵀ W: its outputs are then those of W times Q. */
export function rotateOutputs(rotation: Rotation, weight: Float32Array, columns: number): void {
	const {size} = rotation;
	// A few columns at a time, each as a row.
	const most = 64;
	for (let first = 0; first < columns; first += most) {
		const count = Math.min(most, columns - first);
		const turned = new Float32Array(count * size);
		for (let r = 0; r < size; r++) {
			for (let c = 0; c < count; c++) {
				turned[c * size + r] = weight[r * columns + first + c]!;
			}
		}

		rotation.rotate(turned);
		for (let r = 0; r < size; r++) {
			for (let c = 0; c < count; c++) {
				weight[r * columns + first + c] = turned[c * size + r]!;
			}
		}
	}
}

/** Rows that are orthogonal to each other and of length one: Gram-Schmidt, twice, on random normal ones. */
function orthogonal(size: number, random: () => number): Float64Array {
	const q = Float64Array.from({length: size * size}, () => Math.sqrt(-2 * Math.log(random() + 2 ** -33)) * Math.cos(2 * Math.PI * random()));
	const row = (i: number): Float64Array => q.subarray(i * size, (i + 1) * size);
	for (let i = 0; i < size; i++) {
		for (let again = 0; again < 2; again++) {
			for (let j = 0; j < i; j++) {
				const share = dot(row(i), row(j));
				for (let k = 0; k < size; k++) {
					q[i * size + k]! -= share * q[j * size + k]!;
				}
			}
		}

		const length = Math.sqrt(dot(row(i), row(i)));
		for (let k = 0; k < size; k++) {
			q[i * size + k]! /= length;
		}
	}

	return q;
}
