/** LRN: each element over a power of the squares of its neighbours in the channel axis. https://onnx.ai/onnx/operators/onnx__LRN.html */
import {multiply} from '../../graph/dim.js';
import {isFloat} from '../../graph/dtype.js';
import {fromNumbers, toNumbers} from '../linear/numbers.js';
import {integer, real} from '../linear/attributes.js';
import type {InferContext, Op} from '../op.js';
import {kernelType} from './kernel-type.js';

const parameters = ({attributes}: Pick<InferContext, 'attributes'>): {size: number; alpha: number; beta: number; bias: number} => ({
	size: integer(attributes, 'size', 1),
	alpha: real(attributes, 'alpha', 1e-4),
	beta: real(attributes, 'beta', 0.75),
	bias: real(attributes, 'bias', 1),
});

export const localResponseNormalization: Op = {
	name: 'LRN',
	infer(context) {
		const {dtype, shape} = context.input(0);
		return isFloat(dtype) && shape.length >= 2
			? [{dtype, shape}]
			: context.fail('the input cannot be normalised by channel', {expected: 'a float tensor [batch, channels, …]', found: `${dtype} of rank ${shape.length}`});
	},
	evaluate(context) {
		const x = context.input(0);
		const {size, alpha, beta, bias} = parameters(context);
		const channels = x.dims[1]!;
		const space = x.dims.slice(2).reduce((a, b) => a * b, 1);
		const numbers = toNumbers(x);
		const values = Float64Array.from(numbers, (value, i) => {
			const channel = Math.floor(i / space) % channels;
			const first = Math.max(0, channel - Math.floor((size - 1) / 2));
			const last = Math.min(channels - 1, channel + Math.ceil((size - 1) / 2));
			let sum = 0;
			for (let c = first; c <= last; c++) {
				sum += numbers[i + (c - channel) * space]! ** 2;
			}

			return value / (bias + (alpha / size) * sum) ** beta;
		});
		return [fromNumbers(x.dtype, x.dims, values)];
	},
	lower(context) {
		kernelType(context, ['float32']);
		const x = context.input(0);
		const [batch, channels] = x.shape;
		context.call('local_response_norm_f32', {
			y: context.output(0),
			x,
			batch: batch!,
			channels: channels!,
			space: multiply(...x.shape.slice(2)),
			...parameters(context),
		});
	},
};
