/**
 * DynamicQuantizeLinear: uint8 codes over the range of the data, which always includes 0.
 * https://onnx.ai/onnx/operators/onnx__DynamicQuantizeLinear.html
 */
import {multiply} from '../../graph/dim.js';
import {roundHalfEven} from '../../graph/half.js';
import {float32} from '../../graph/tensor.js';
import type {Op} from '../op.js';
import {requireFloat32} from '../linear/matmul.js';
import {fromNumbers, toNumbers} from '../linear/numbers.js';

const saturate = (value: number): number => Math.min(255, Math.max(0, roundHalfEven(value)));

export const dynamicQuantizeLinear: Op = {
	name: 'DynamicQuantizeLinear',
	infer: context => [
		{dtype: 'uint8', shape: context.input(0).shape},
		{dtype: 'float32', shape: []},
		{dtype: 'uint8', shape: []},
	],
	evaluate(context) {
		const x = context.input(0);
		const values = toNumbers(x);
		let [low, high] = [0, 0];
		for (const value of values) {
			low = Math.min(low, value);
			high = Math.max(high, value);
		}

		const scale = Math.fround(Math.fround(high - low) / 255) || 1;
		const zero = saturate(Math.fround(-low / scale));
		const codes = Array.from(values, value => Math.min(255, Math.max(0, roundHalfEven(Math.fround(value / scale)) + zero)));
		return [fromNumbers('uint8', x.dims, codes), float32([], [scale]), fromNumbers('uint8', [], [zero])];
	},
	lower(context) {
		const x = context.input(0);
		requireFloat32(context, x);
		context.call('dynamic_quantize_linear', {y: context.output(0), y_scale: context.output(1), y_zero: context.output(2), x, count: multiply(...x.shape)});
	},
};
