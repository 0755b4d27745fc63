/** Range: numbers from a start to a limit. https://onnx.ai/onnx/operators/onnx__Range.html */
import {add, isNumber, maximum, multiply, negate, subtract, type Dim} from '../../graph/dim.js';
import {allocate, isFloat, type DType} from '../../graph/dtype.js';
import type {Op} from '../op.js';
import {divideUp, readTensors, shapeInput, type Reading} from './reading.js';

/** Longer ranges are made by the kernel. */
const LISTED = 4096;

const types: readonly DType[] = ['int64', 'int32', 'int16', 'float32', 'float64'];

const kernels: Readonly<Record<string, string>> = {int64: 'range_i64', int32: 'range_i32', float32: 'range_f32'};

function layout(ctx: Reading): {readonly start: Dim; readonly delta: number; readonly count: Dim} {
	const {dtype} = ctx.input(0);
	if (!types.includes(dtype)) {
		ctx.fail('a range of this type cannot be made', {expected: types.join(', '), found: dtype});
	}

	const element = (index: number, what: string): Dim => {
		const constant = isFloat(dtype) ? ctx.constant(index) : undefined;
		return constant
			? Number(constant.data[0])
			: (shapeInput(ctx, index, what)[0] ?? ctx.fail(`${what} is missing`, {expected: 'a scalar', found: 'an empty tensor'}));
	};

	const [start, limit, delta] = [element(0, 'the start'), element(1, 'the limit'), element(2, 'the delta')];
	if (!isNumber(delta) || delta === 0) {
		return ctx.fail('the delta cannot be used', {expected: 'a number other than 0', found: isNumber(delta) ? '0' : delta.key});
	}

	const length = subtract(limit, start);
	if (isNumber(length)) {
		return {start, delta, count: Math.max(0, Math.ceil(length / delta))};
	}

	return {start, delta, count: maximum(0, delta > 0 ? divideUp(length, delta) : divideUp(negate(length), -delta), ctx.bounds)};
}

export const range: Op = {
	name: 'Range',
	infer(ctx) {
		const {start, delta, count} = layout(ctx);
		const {dtype} = ctx.input(0);
		const listed = isNumber(count) && count <= LISTED && !isFloat(dtype);
		return [{dtype, shape: [count], ...(listed && {value: Array.from({length: count}, (_, i) => add(start, multiply(i, delta)))})}];
	},
	evaluate(ctx) {
		const {start, delta, count} = layout(readTensors(ctx)) as {start: number; delta: number; count: number};
		const {dtype} = ctx.input(0);
		const data = allocate(dtype, count);
		for (let i = 0; i < count; i++) {
			const value = start + i * delta;
			data[i] = data instanceof BigInt64Array ? BigInt(value) : value;
		}

		return [{dtype, dims: [count], data}];
	},
	lower(ctx) {
		const {start, delta, count} = layout(ctx);
		const {dtype} = ctx.input(0);
		ctx.call(kernels[dtype] ?? ctx.fail('no kernel makes a range of this type', {expected: Object.keys(kernels).join(', '), found: dtype}), {
			y: ctx.output(0),
			start,
			delta,
			count,
		});
	},
};
