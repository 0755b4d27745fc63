/** Products of matrices at compile time, on the f32 kernels. */
import {codecs} from '../codecs/index.js';
import {kernels} from '../numeric/kernels.js';

const parameters = {dtype: 'float32'};

/** A Bᵀ for row-major matrices whose rows both have `columns` elements. */
export function multiply(a: Float32Array, b: Float32Array, columns: number): Float32Array {
	const dense = codecs.get('dense')!;
	const [many, rows] = [a.length / columns, b.length / columns];
	const [packed] = dense.encode({name: 'b', rows, columns, read: (first, count) => b.subarray(first * columns, (first + count) * columns)}, parameters) as [
		Uint8Array,
	];
	const run = kernels();
	const [y, x, parts, w] = run.layOut(4 * many * rows, a.byteLength, 4, packed.length) as [number, number, number, number];
	const {buffer} = run.memory;
	new Float32Array(buffer, x, a.length).set(a);
	new Uint8Array(buffer, w, packed.length).set(packed);
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
