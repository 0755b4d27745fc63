/**
 * QLinearMatMul and QLinearConv: products of bytes whose result is quantised again, y = saturate(round(sum × scales / y_scale) + y_zero).
 * https://onnx.ai/onnx/operators/onnx__QLinearConv.html
 */
import {multiply} from '../../graph/dim.js';
import {roundHalfEven} from '../../graph/half.js';
import {sizeOf} from '../../graph/tensor.js';
import type {LowerContext, Operand} from '../../plan/lower-context.js';
import type {EvaluateContext, InferContext, Op} from '../op.js';
import {addPerChannel, convolution, convolve} from '../linear/conv.js';
import {concreteProduct, productOf, requireFloat32} from '../linear/matmul.js';
import {fromNumbers, toNumbers} from '../linear/numbers.js';
import {byteType, callIntegerConvolution, callIntegerProduct, integerProduct, parameterCount} from './integer-product.js';
import {limits} from './scale-layout.js';

/** Rounds sums as [batch, rows, columns], with one factor for each row and column. */
function requantise(
	context: EvaluateContext,
	sums: Float64Array,
	dims: readonly number[],
	rows: number,
	columns: number,
	factor: (row: number, column: number) => number,
) {
	const [scale, zero] = [toNumbers(context.input(6))[0]!, context.input(7)];
	const [low, high] = limits[zero.dtype]!;
	const offset = toNumbers(zero)[0]!;
	const codes = sums.map((sum, index) => {
		const multiplier = Math.fround(factor(Math.floor(index / columns) % rows, index % columns) / scale);
		return Math.min(high, Math.max(low, roundHalfEven(Math.fround(Math.fround(sum) * multiplier)) + offset));
	});
	return [fromNumbers(zero.dtype, dims, codes)];
}

type Scale = {readonly values: Operand; readonly step: 0 | 1};

const scaleOf = (context: LowerContext, index: number, length: Parameters<typeof parameterCount>[1], what: string): Scale => {
	const values = context.input(index);
	requireFloat32(context, values);
	return {values, step: parameterCount(values.shape, length, what, context.fail) === 1 ? 0 : 1};
};

function callRequantise(
	context: LowerContext,
	sums: Operand,
	row: Scale,
	column: Scale,
	sizes: {readonly batch: Operand['offset']; readonly rows: Operand['offset']; readonly columns: Operand['offset']},
): void {
	const y = context.output(0);
	context.call(`requantize_${byteType(y.dtype, context.fail)}`, {
		y,
		x: sums,
		row_scale: row.values,
		row_step: row.step,
		column_scale: column.values,
		column_step: column.step,
		y_scale: context.input(6),
		y_zero: context.input(7),
		...sizes,
	});
}

const inferBytes = (context: InferContext, shape: Operand['shape']) => {
	for (const index of [0, 3, 7]) {
		byteType(context.input(index).dtype, context.fail);
	}

	return [{dtype: context.input(7).dtype, shape}];
};

export const qLinearMatMul: Op = {
	name: 'QLinearMatMul',
	infer: context => inferBytes(context, productOf(context.input(0).shape, context.input(3).shape, context.fail).shape),
	evaluate(context) {
		const [a, b] = [context.input(0), context.input(3)];
		const {dims, sums} = integerProduct(a, b, context.input(2), context.input(5), context.fail);
		const {m, n} = concreteProduct(a.dims, b.dims, context.fail);
		const [rows, columns] = [toNumbers(context.input(1)), toNumbers(context.input(4))];
		return requantise(context, sums, dims, m, n, (row, column) =>
			Math.fround(rows[rows.length === 1 ? 0 : row]! * columns[columns.length === 1 ? 0 : column]!),
		);
	},
	lower(context) {
		const [a, b] = [context.input(0), context.input(3)];
		const {batch, m, n} = productOf(a.shape, b.shape, context.fail);
		const sums = context.scratch(multiply(4, ...batch, m, n));
		callIntegerProduct(context, sums, {values: a, zero: context.input(2)}, {values: b, zero: context.input(5)});
		callRequantise(context, sums, scaleOf(context, 1, m, 'the scale of A'), scaleOf(context, 4, n, 'the scale of B'), {
			batch: multiply(...batch),
			rows: m,
			columns: n,
		});
	},
};

export const qLinearConv: Op = {
	name: 'QLinearConv',
	infer: context =>
		inferBytes(context, convolution(context, context.input(0).shape, context.input(3).shape, context.has(8) ? context.input(8).shape : undefined).shape),
	evaluate(context) {
		const [x, w, bias] = [context.input(0), context.input(3), context.inputs[8]];
		const geometry = convolution(context, x.dims, w.dims);
		const dims = geometry.shape as number[];
		const size = sizeOf(dims.slice(2));
		const sums = convolve(geometry, toNumbers(x), toNumbers(w), toNumbers(context.input(2))[0], toNumbers(context.input(5)));
		addPerChannel(sums, bias && toNumbers(bias), size);
		const [xScale, wScale] = [toNumbers(context.input(1))[0]!, toNumbers(context.input(4))];
		return requantise(context, sums, dims, dims[1]!, size, row => Math.fround(xScale * wScale[wScale.length === 1 ? 0 : row]!));
	},
	lower(context) {
		const [x, w] = [context.input(0), context.input(3)];
		const geometry = convolution(context, x.shape, w.shape);
		const channels = geometry.groups * geometry.outputs;
		const columns = multiply(...geometry.window.size.output);
		const sums = context.scratch(multiply(4, geometry.batch, channels, columns));
		callIntegerConvolution(context, sums, {values: x, zero: context.input(2)}, {values: w, zero: context.input(5)}, geometry);
		if (context.has(8)) {
			context.call('add_per_channel_i32', {y: sums, bias: context.input(8), batch: geometry.batch, channels, size: columns});
		}

		callRequantise(context, sums, scaleOf(context, 4, channels, 'the scale of the weights'), scaleOf(context, 1, 1, 'the scale of the input'), {
			batch: geometry.batch,
			rows: channels,
			columns,
		});
	},
};
