/** Products of matrices at compile time, on the f32 kernels. */
import {codecs} from '../codecs/index.js';
import {kernels} from '../numeric/kernels.js';

const parameters = {dtype: 'float32'};

/** Rows that others are multiplied with, as the kernel wants them. */
export type Packed = {readonly rows: number; readonly columns: number; readonly values: Uint8Array};

/** @param b Row-major rows of `columns` elements. */
export function pack(b: Float32Array, columns: number): Packed {
	const rows = b.length / columns;
	const weight = {name: 'b', rows, columns, read: (first: number, count: number) => b.subarray(first * columns, (first + count) * columns)};
	const [values] = codecs.get('dense')!.encode(weight, parameters) as [Uint8Array];
	return {rows, columns, values};
}

/** A Bᵀ for row-major A, whose rows have as many elements as the packed ones of B. */
export function multiply(a: Float32Array, {rows, columns, values}: Packed): Float32Array {
	const many = a.length / columns;
	const run = kernels();
	const [y, x, parts, w] = run.layOut(4 * many * rows, a.byteLength, 4, values.length) as [number, number, number, number];
	const {buffer} = run.memory;
	new Float32Array(buffer, x, a.length).set(a);
	new Uint8Array(buffer, w, values.length).set(values);
	new Uint32Array(buffer, parts, 1)[0] = w;
	run.call('tile_dense_f32', y, x, parts, 0, 0, many, rows, columns);
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
