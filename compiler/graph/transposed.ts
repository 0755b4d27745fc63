import {allocate, type TypedArray} from './dtype.js';
import type {Constant} from './tensor.js';

/** One transpose of each matrix, so that a matrix that is used twice is still one. */
const known = new WeakMap<Constant, Constant>();

/** The transpose of a matrix constant, made when it is read. Transposing twice gives the constant itself. */
export function transposed(matrix: Constant & {readonly transposeOf?: Constant}): Constant & {readonly transposeOf?: Constant} {
	if (matrix.transposeOf) {
		return matrix.transposeOf;
	}

	const found = known.get(matrix);
	if (found) {
		return found;
	}

	const [rows, columns] = matrix.dims as [number, number];
	const made = {
		dtype: matrix.dtype,
		dims: [columns, rows],
		transposeOf: matrix,
		...(matrix.identity === undefined ? {} : {identity: `transpose(${matrix.identity})`}),
		read: () => transposeData(matrix.read(), rows, columns, allocate(matrix.dtype, rows * columns)),
	};
	known.set(matrix, made);
	return made;
}

/** Works in squares that fit the cache. */
function transposeData<T extends TypedArray>(source: TypedArray, rows: number, columns: number, target: T): T {
	const step = 32;
	for (let r0 = 0; r0 < rows; r0 += step) {
		const r1 = Math.min(rows, r0 + step);
		for (let c0 = 0; c0 < columns; c0 += step) {
			const c1 = Math.min(columns, c0 + step);
			for (let r = r0; r < r1; r++) {
				for (let c = c0; c < c1; c++) {
					target[c * rows + r] = source[r * columns + c]!;
				}
			}
		}
	}

	return target;
}
