/** Small sets of long vectors: [count][length], row-major. */
import {dot} from './dot.js';

/** Makes vectors orthonormal in place (modified Gram-Schmidt, twice); those that depend on the ones before become 0. */
export function orthonormalise(vectors: Float32Array, count: number): void {
	const length = vectors.length / count;
	const at = (k: number): Float32Array => vectors.subarray(k * length, (k + 1) * length);
	for (let k = 0; k < count; k++) {
		const own = at(k);
		const before = norm(own);
		for (let pass = 0; pass < 2; pass++) {
			for (let j = 0; j < k; j++) {
				const other = at(j);
				subtract(own, other, dot(own, other));
			}
		}

		const after = norm(own);
		const scale = after > 1e-5 * before ? 1 / after : 0;
		for (let i = 0; i < length; i++) {
			own[i]! *= scale;
		}
	}
}

/** D = (V Vᵀ)⁻¹ V, by which D x are the coefficients of the vectors of V nearest to x. Vectors of 0 have a dual of 0. */
export function dualOf(vectors: Float32Array, count: number): Float32Array {
	const length = vectors.length / count;
	const at = (k: number): Float32Array => vectors.subarray(k * length, (k + 1) * length);
	const dual = Array.from({length: count}, (_, k) => Float64Array.from(at(k)));
	const gram = dual.map(a => Float64Array.from(dual, b => dot(a, b)));
	// Gauss-Jordan on (V Vᵀ | V). The matrix is positive, so pivots need no order.
	for (let k = 0; k < count; k++) {
		const pivot = gram[k]![k]!;
		const scale = pivot > 1e-12 * dot(at(k), at(k)) ? 1 / pivot : 0;
		for (const row of [gram[k]!, dual[k]!]) {
			for (let i = 0; i < row.length; i++) {
				row[i]! *= scale;
			}
		}

		for (let j = 0; j < count; j++) {
			const factor = gram[j]![k]!;
			if (j !== k && factor !== 0) {
				subtract(gram[j]!, gram[k]!, factor);
				subtract(dual[j]!, dual[k]!, factor);
			}
		}
	}

	const out = new Float32Array(vectors.length);
	for (const [k, row] of dual.entries()) {
		out.set(row, k * length);
	}

	return out;
}

type Numbers = Float32Array | Float64Array;

function subtract(from: Numbers, other: Numbers, factor: number): void {
	for (let i = 0; i < from.length; i++) {
		from[i]! -= factor * other[i]!;
	}
}

const norm = (a: Numbers): number => Math.sqrt(dot(a, a));
