/** LpNormalization: x over its 1-norm or 2-norm along an axis, and 0 where that is 0. https://onnx.ai/onnx/operators/onnx__LpNormalization.html */
import {isFloat} from '../../graph/dtype.js';
import {fromNumbers, toNumbers} from '../linear/numbers.js';
import {integer} from '../linear/attributes.js';
import {normaliseAxis, splitAt} from '../broadcast.js';
import type {InferContext, Op} from '../op.js';
import {kernelType} from './kernel-type.js';

const axisOf = (context: Pick<InferContext, 'attributes' | 'fail'>, rank: number): number =>
	normaliseAxis(context, integer(context.attributes, 'axis', -1), rank);

export const lpNormalization: Op = {
	name: 'LpNormalization',
	infer(context) {
		const {dtype, shape} = context.input(0);
		const p = integer(context.attributes, 'p', 2);
		axisOf(context, shape.length);
		if (!isFloat(dtype) || (p !== 1 && p !== 2)) {
			context.fail('the norm is not supported', {expected: 'p 1 or 2 over floats', found: `p ${p} over ${dtype}`});
		}

		return [{dtype, shape}];
	},
	evaluate(context) {
		const x = context.input(0);
		const p = integer(context.attributes, 'p', 2);
		const {length, inner} = splitAt(x.dims, axisOf(context, x.dims.length)) as {length: number; inner: number};
		const numbers = toNumbers(x);
		const values = Float64Array.from(numbers, (value, i) => {
			const start = Math.floor(i / (length * inner)) * length * inner + (i % inner);
			let sum = 0;
			for (let k = 0; k < length; k++) {
				sum += Math.abs(numbers[start + k * inner]!) ** p;
			}

			return sum === 0 ? 0 : value / sum ** (1 / p);
		});
		return [fromNumbers(x.dtype, x.dims, values)];
	},
	lower(context) {
		kernelType(context, ['float32']);
		const x = context.input(0);
		context.call('lp_norm_f32', {y: context.output(0), x, ...splitAt(x.shape, axisOf(context, x.shape.length)), p: integer(context.attributes, 'p', 2)});
	},
};
