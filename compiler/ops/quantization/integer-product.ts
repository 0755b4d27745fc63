/**
 * MatMulInteger and ConvInteger: sums of products of bytes less their zero points, as int32.
 * https://onnx.ai/onnx/operators/onnx__MatMulInteger.html
 */
import {equal, multiply, type Dim} from '../../graph/dim.js';
import type {DType} from '../../graph/dtype.js';
import {sizeOf, type Tensor} from '../../graph/tensor.js';
import type {LowerContext, Operand} from '../../plan/lower-context.js';
import {describeShape} from '../broadcast.js';
import type {InferContext, Op} from '../op.js';
import type {Fail} from '../linear/batch.js';
import {convolution, convolve, type Convolution} from '../linear/conv.js';
import {batchRows, concreteProduct, forEachMatrix, productOf} from '../linear/matmul.js';
import {fromNumbers, toNumbers} from '../linear/numbers.js';
import {windowNumbers} from '../linear/window.js';

const letters: Readonly<Partial<Record<DType, string>>> = {uint8: 'u8', int8: 'i8'};

export const byteType = (dtype: DType, fail: Fail): string => letters[dtype] ?? fail('the operands must be bytes', {expected: 'uint8 or int8', found: dtype});

/** Whether a scale or zero point is one for all (1) or one for each of `length` rows or columns. */
export function parameterCount(shape: readonly Dim[], length: Dim, what: string, fail: Fail): Dim {
	const count = multiply(...shape);
	return count === 1 || equal(count, length)
		? count
		: fail(`${what} has the wrong shape`, {expected: `one, or ${describeShape([length])}`, found: describeShape(shape)});
}

/** The exact sums; zero points are none, one, or one for each row of a and column of b. */
export function integerProduct(
	a: Tensor,
	b: Tensor,
	aZero: Tensor | undefined,
	bZero: Tensor | undefined,
	fail: Fail,
): {dims: readonly number[]; sums: Float64Array} {
	const product = concreteProduct(a.dims, b.dims, fail);
	const {m, n, k, shape} = product;
	const [x, w, xZero, wZero] = [toNumbers(a), toNumbers(b), aZero && toNumbers(aZero), bZero && toNumbers(bZero)];
	const sums = new Float64Array(sizeOf(shape));
	forEachMatrix(product, (toY, fromA, fromB) => {
		for (let i = 0; i < m; i++) {
			const za = xZero?.[xZero.length === 1 ? 0 : i] ?? 0;
			for (let j = 0; j < n; j++) {
				const zb = wZero?.[wZero.length === 1 ? 0 : j] ?? 0;
				let sum = 0;
				for (let l = 0; l < k; l++) {
					sum += (x[fromA + i * k + l]! - za) * (w[fromB + l * n + j]! - zb);
				}

				sums[toY + i * n + j] = sum;
			}
		}
	});
	return {dims: shape, sums};
}

type Side = {readonly values: Operand; readonly zero: Operand | undefined};

/** The kernel call for a product of bytes into int32 at `y`. */
export function callIntegerProduct(context: LowerContext, y: Operand, a: Side, b: Side): void {
	const {batch, batchA, batchB, m, n, k} = productOf(a.values.shape, b.values.shape, context.fail);
	const rows = batchRows(batch, {a: batchA, b: batchB}, {y: multiply(m, n), a: multiply(m, k), b: multiply(k, n)}).filter(([length]) => length !== 1);
	context.call(`matmul_integer_${byteType(a.values.dtype, context.fail)}${byteType(b.values.dtype, context.fail)}`, {
		y,
		a: a.values,
		b: b.values,
		a_zero: a.zero ?? a.values,
		a_zeros: a.zero ? parameterCount(a.zero.shape, m, 'the zero point of A', context.fail) : 0,
		b_zero: b.zero ?? b.values,
		b_zeros: b.zero ? parameterCount(b.zero.shape, n, 'the zero point of B', context.fail) : 0,
		m,
		n,
		k,
		batch: rows.length > 0 ? rows.flat() : [1, 0, 0, 0],
		batch_rank: Math.max(rows.length, 1),
	});
}

export function callIntegerConvolution(context: LowerContext, y: Operand, x: Side, w: Side, geometry: Convolution): void {
	context.call(`conv_integer_${byteType(x.values.dtype, context.fail)}${byteType(w.values.dtype, context.fail)}`, {
		y,
		x: x.values,
		w: w.values,
		x_zero: x.zero ?? x.values,
		has_x_zero: x.zero ? 1 : 0,
		w_zero: w.zero ?? w.values,
		w_zeros: w.zero ? parameterCount(w.zero.shape, geometry.groups * geometry.outputs, 'the zero point of the weights', context.fail) : 0,
		shape: windowNumbers(geometry.window, geometry),
	});
}

const optional = (context: LowerContext, index: number): Operand | undefined => (context.has(index) ? context.input(index) : undefined);

const requireBytes = (context: InferContext): void => {
	byteType(context.input(0).dtype, context.fail);
	byteType(context.input(1).dtype, context.fail);
};

export const matMulInteger: Op = {
	name: 'MatMulInteger',
	infer(context) {
		requireBytes(context);
		return [{dtype: 'int32', shape: productOf(context.input(0).shape, context.input(1).shape, context.fail).shape}];
	},
	evaluate(context) {
		const {dims, sums} = integerProduct(context.input(0), context.input(1), context.inputs[2], context.inputs[3], context.fail);
		return [fromNumbers('int32', dims, sums)];
	},
	lower(context) {
		callIntegerProduct(
			context,
			context.output(0),
			{values: context.input(0), zero: optional(context, 2)},
			{values: context.input(1), zero: optional(context, 3)},
		);
	},
};

export const convInteger: Op = {
	name: 'ConvInteger',
	infer(context) {
		requireBytes(context);
		return [{dtype: 'int32', shape: convolution(context, context.input(0).shape, context.input(1).shape).shape}];
	},
	evaluate(context) {
		const [x, w, xZero, wZero] = [context.input(0), context.input(1), context.inputs[2], context.inputs[3]];
		const geometry = convolution(context, x.dims, w.dims);
		const sums = convolve(geometry, toNumbers(x), toNumbers(w), xZero && toNumbers(xZero)[0]!, wZero && toNumbers(wZero));
		return [fromNumbers('int32', geometry.shape as number[], sums)];
	},
	lower(context) {
		const geometry = convolution(context, context.input(0).shape, context.input(1).shape);
		callIntegerConvolution(
			context,
			context.output(0),
			{values: context.input(0), zero: optional(context, 2)},
			{values: context.input(1), zero: optional(context, 3)},
			geometry,
		);
	},
};
