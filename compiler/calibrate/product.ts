/** Products of matrices at compile time, in the numbers of calibration. */
import {kernels} from '../numeric/kernels.js';
import {encodeIn, kernelsOf, type Arithmetic} from './arithmetic.js';

/** Rows that others are multiplied with, as the kernel wants them. */
export type Packed = {readonly rows: number; readonly columns: number; readonly parts: readonly Uint8Array[]; readonly arithmetic: Arithmetic};

/** @param b Row-major rows of `columns` elements. */
export function pack(b: Float32Array, columns: number, arithmetic: Arithmetic): Packed {
	const rows = b.length / columns;
	const read = (first: number, count: number): Float32Array => b.subarray(first * columns, (first + count) * columns);
	return {rows, columns, parts: encodeIn(arithmetic, {name: 'b', rows, columns, read}), arithmetic};
}

/** A Bᵀ for row-major A, whose rows have as many elements as the packed ones of B. */
export function multiply(a: Float32Array, {rows, columns, parts, arithmetic}: Packed): Float32Array {
	const many = a.length / columns;
	const run = kernels();
	const {tile} = kernelsOf(arithmetic);
	const stride = tile.scratch({rows, columns});
	const [y, x, table, scratch, ...places] = run.layOut(
		4 * many * rows,
		a.byteLength,
		4 * parts.length,
		stride * run.threads,
		...parts.map(part => part.length),
	) as [number, number, number, number, ...number[]];
	const {buffer} = run.memory;
	new Float32Array(buffer, x, a.length).set(a);
	new Uint32Array(buffer, table, parts.length).set(places);
	for (const [index, part] of parts.entries()) {
		new Uint8Array(buffer, places[index], part.length).set(part);
	}

	run.call(tile.kernel, y, x, table, 0, {address: scratch, stride}, many, rows, columns);
	return new Float32Array(buffer, y, many * rows).slice();
}

/** @param a Square, `size` by `size`. */
export function transpose(a: Float32Array, size: number): Float32Array {
	const out = new Float32Array(a.length);
	for (let i = 0; i < size; i++) {
		for (let j = 0; j < size; j++) {
			out[j * size + i] = a[i * size + j]!;
		}
	}

	return out;
}
