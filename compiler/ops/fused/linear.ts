/** y = x Wᵀ + bias for a constant W [N, K]: the op whose weight a codec encodes. */
import {equal, keyOf, type Dim} from '../../graph/dim.js';
import {zeros, sizeOf} from '../../graph/tensor.js';
import type {Op} from '../op.js';
import {product} from '../../graph/shape.js';

export const linear: Op = {
	name: 'snug.Linear',
	infer({input, fail}) {
		const x = input(0);
		const w = input(1);
		if (w.shape.length !== 2 || x.shape.length === 0 || !equal(x.shape.at(-1)!, w.shape[1]!)) {
			fail('the weight does not fit the input', {expected: `a weight [N, ${keyOf(x.shape.at(-1) ?? 0)}]`, found: `[${w.shape.map(keyOf).join(', ')}]`});
		}

		return [{dtype: x.dtype, shape: [...x.shape.slice(0, -1), w.shape[0]!]}];
	},
	evaluate({input, inputs}) {
		const x = input(0);
		const w = input(1);
		const [rows, columns] = w.dims as [number, number];
		const tokens = sizeOf(x.dims) / columns;
		const y = zeros('float32', [...x.dims.slice(0, -1), rows]);
		const bias = inputs[2]?.data as Float32Array | undefined;
		const [xs, ws, ys] = [x.data as Float32Array, w.data as Float32Array, y.data as Float32Array];
		for (let t = 0; t < tokens; t++) {
			for (let r = 0; r < rows; r++) {
				let sum = 0;
				for (let c = 0; c < columns; c++) {
					sum += xs[t * columns + c]! * ws[r * columns + c]!;
				}

				ys[t * rows + r] = sum + (bias?.[r] ?? 0);
			}
		}

		return [y];
	},
	lower(context) {
		const x = context.input(0);
		const y = context.output(0);
		const tokens = product(x.shape.slice(0, -1));
		context.multiply(1, y, x, tokens, context.has(2) ? context.input(2) : undefined);
	},
};

export const embedding: Op = {
	name: 'snug.Embedding',
	infer({input, fail}) {
		const ids = input(0);
		const w = input(1);
		if (ids.dtype !== 'int64' && ids.dtype !== 'int32') {
			fail('the ids have the wrong type', {expected: 'int64 or int32', found: ids.dtype});
		}

		return [{dtype: 'float32', shape: [...ids.shape, w.shape[1]!]}];
	},
	evaluate({input, fail}) {
		const ids = input(0);
		const w = input(1);
		const [rows, columns] = w.dims as [number, number];
		const y = zeros('float32', [...ids.dims, columns]);
		for (const [index, raw] of (ids.data as BigInt64Array).entries()) {
			const id = Number(raw);
			const row = id < 0 ? id + rows : id;
			if (row < 0 || row >= rows) {
				fail('an id is out of range', {expected: `${-rows} to ${rows - 1}`, found: `${id}`});
			}

			(y.data as Float32Array).set((w.data as Float32Array).subarray(row * columns, (row + 1) * columns), index * columns);
		}

		return [y];
	},
	lower(context) {
		const ids = context.input(0);
		context.gatherRows(1, context.output(0), ids, product(ids.shape));
	},
};

/** Elements from one row to the next: what an operand that shares its rows with others says, else the length of its last axis. */
export const rowStride = ({rowStride: stride, shape}: {readonly rowStride?: Dim; readonly shape: readonly Dim[]}): Dim => stride ?? shape.at(-1)!;
