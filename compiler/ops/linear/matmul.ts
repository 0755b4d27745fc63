/**
 * MatMul: NumPy's product of stacks of matrices. A constant right operand becomes `snug.Linear` in a pass; this kernel serves two
 * activations and small things. https://onnx.ai/onnx/operators/onnx__MatMul.html
 */
import {multiply, type Dim} from '../../graph/dim.js';
import {allocate} from '../../graph/dtype.js';
import {sizeOf, type Tensor} from '../../graph/tensor.js';
import type {LowerContext, Operand} from '../../plan/lower-context.js';
import {broadcastShapes, describeShape} from '../broadcast.js';
import type {Op} from '../op.js';
import {batchStrides, requireEqual, type Fail} from './batch.js';
import {fromNumbers, toNumbers} from './numbers.js';

/** The shapes of a product: a vector on either side is a matrix whose one row or column is dropped from the result. */
export type Product<D extends Dim = Dim> = {
	readonly batch: readonly D[];
	readonly batchA: readonly D[];
	readonly batchB: readonly D[];
	readonly m: D;
	readonly n: D;
	readonly k: D;
	readonly shape: readonly D[];
};

export function productOf(a: readonly Dim[], b: readonly Dim[], fail: Fail): Product {
	if (a.length === 0 || b.length === 0) {
		return fail('scalars cannot be multiplied', {expected: 'at least one axis', found: `${describeShape(a)} and ${describeShape(b)}`, hint: 'use Mul'});
	}

	const k = a.at(-1)!;
	requireEqual('the inner dimension', k, b.length === 1 ? b[0]! : b.at(-2)!, fail);
	const m = a.length === 1 ? 1 : a.at(-2)!;
	const n = b.length === 1 ? 1 : b.at(-1)!;
	const batchA = a.slice(0, -2);
	const batchB = b.slice(0, -2);
	const batch = broadcastShapes({fail}, batchA, batchB);
	return {batch, batchA, batchB, m, n, k, shape: [...batch, ...(a.length === 1 ? [] : [m]), ...(b.length === 1 ? [] : [n])]};
}

export const concreteProduct = (a: readonly number[], b: readonly number[], fail: Fail): Product<number> => productOf(a, b, fail) as Product<number>;

/** Calls back with the offsets of each matrix of the batch, in elements. */
export function forEachMatrix({batch, batchA, batchB, m, n, k}: Product<number>, visit: (y: number, a: number, b: number) => void): void {
	const strideA = batchStrides(batch, batchA, m * k) as number[];
	const strideB = batchStrides(batch, batchB, k * n) as number[];
	for (let index = 0; index < sizeOf(batch); index++) {
		let rest = index;
		let a = 0;
		let b = 0;
		for (let axis = batch.length - 1; axis >= 0; axis--) {
			const at = rest % batch[axis]!;
			rest = Math.floor(rest / batch[axis]!);
			a += at * strideA[axis]!;
			b += at * strideB[axis]!;
		}

		visit(index * m * n, a, b);
	}
}

const wide = (data: Tensor['data']): data is BigInt64Array | BigUint64Array => data instanceof BigInt64Array || data instanceof BigUint64Array;

export function multiplyTensors(a: Tensor, b: Tensor, fail: Fail): Tensor {
	const product = concreteProduct(a.dims, b.dims, fail);
	const {m, n, k, shape: dims} = product;
	if (wide(a.data) && wide(b.data)) {
		const data = allocate(a.dtype, sizeOf(dims));
		const [x, w] = [a.data, b.data];
		forEachMatrix(product, (toY, fromA, fromB) => {
			for (let i = 0; i < m; i++) {
				for (let j = 0; j < n; j++) {
					let sum = 0n;
					for (let l = 0; l < k; l++) {
						sum += x[fromA + i * k + l]! * w[fromB + l * n + j]!;
					}

					data[toY + i * n + j] = sum;
				}
			}
		});
		return {dtype: a.dtype, dims, data};
	}

	const narrow = a.dtype === 'int32' || a.dtype === 'uint32';
	const sums = new Float64Array(sizeOf(dims));
	const [x, w] = [toNumbers(a), toNumbers(b)];
	const row = new Float64Array(n);
	forEachMatrix(product, (toY, fromA, fromB) => {
		for (let i = 0; i < m; i++) {
			row.fill(0);
			for (let l = 0; l < k; l++) {
				const factor = x[fromA + i * k + l]!;
				const at = fromB + l * n;
				for (let j = 0; j < n; j++) {
					row[j]! += narrow ? Math.imul(factor, w[at + j]!) : factor * w[at + j]!;
				}
			}

			sums.set(row, toY + i * n);
		}
	});
	return fromNumbers(a.dtype, dims, sums);
}

export type Strides = {readonly y: readonly [Dim, Dim]; readonly a: readonly [Dim, Dim]; readonly b: readonly [Dim, Dim]};

/** Emits the kernel call for one product with any strides; `batch` rows are [length, y, a, b]. */
export function callMatmul(
	context: LowerContext,
	y: Operand,
	a: Operand,
	b: Operand,
	sizes: {readonly m: Dim; readonly n: Dim; readonly k: Dim},
	strides: Strides,
	batch: ReadonlyArray<readonly [Dim, Dim, Dim, Dim]>,
): void {
	const axes = batch.filter(([length]) => length !== 1);
	const rows = axes.length === 0 ? [[1, 0, 0, 0] as const] : axes;
	context.call('matmul_f32', {
		y,
		a,
		b,
		...sizes,
		strides: [...strides.y, ...strides.a, ...strides.b],
		batch: rows.flat(),
		batch_rank: rows.length,
	});
}

export function requireFloat32(context: LowerContext, ...operands: readonly Operand[]): void {
	for (const {dtype} of operands) {
		if (dtype !== 'float32') {
			context.fail('no kernel for this type', {expected: 'float32', found: dtype, hint: 'cast the operands to float32'});
		}
	}
}

/** The batch rows for operands whose leading axes broadcast and whose matrices are contiguous blocks. */
export function batchRows(
	batch: readonly Dim[],
	sides: {readonly a: readonly Dim[]; readonly b: readonly Dim[]},
	blocks: {readonly y: Dim; readonly a: Dim; readonly b: Dim},
): Array<[Dim, Dim, Dim, Dim]> {
	const y = batchStrides(batch, batch, blocks.y);
	const a = batchStrides(batch, sides.a, blocks.a);
	const b = batchStrides(batch, sides.b, blocks.b);
	return batch.map((length, axis) => [length, y[axis]!, a[axis]!, b[axis]!]);
}

const types = new Set(['float32', 'float64', 'float16', 'bfloat16', 'int32', 'uint32', 'int64', 'uint64']);

export const matMul: Op = {
	name: 'MatMul',
	infer(context) {
		const [a, b] = [context.input(0), context.input(1)];
		if (a.dtype !== b.dtype || !types.has(a.dtype)) {
			context.fail('the operands must be numbers of one type', {expected: [...types].join(', '), found: `${a.dtype} and ${b.dtype}`});
		}

		return [{dtype: a.dtype, shape: productOf(a.shape, b.shape, context.fail).shape}];
	},
	evaluate: context => [multiplyTensors(context.input(0), context.input(1), context.fail)],
	lower(context) {
		const [a, b, y] = [context.input(0), context.input(1), context.output(0)];
		requireFloat32(context, a, b);
		const {batch, batchA, batchB, m, n, k} = productOf(a.shape, b.shape, context.fail);
		// Batches over one right operand are rows of one taller matrix.
		if (batchB.every(dim => dim === 1)) {
			callMatmul(context, y, a, b, {m: multiply(...batch, m), n, k}, {y: [n, 1], a: [k, 1], b: [n, 1]}, []);
			return;
		}

		callMatmul(
			context,
			y,
			a,
			b,
			{m, n, k},
			{y: [n, 1], a: [k, 1], b: [n, 1]},
			batchRows(batch, {a: batchA, b: batchB}, {y: multiply(m, n), a: multiply(m, k), b: multiply(k, n)}),
		);
	},
};
