/** min(max(x, low), high); either bound may be absent, NaN stays NaN. https://onnx.ai/onnx/operators/onnx__Clip.html */
import {float32} from '../../graph/tensor.js';
import {toNumbers} from '../linear/numbers.js';
import type {EvaluateContext, Op} from '../op.js';
import {combine, type Pair} from './elements.js';
import {maximumPair, minimumPair, symbolicMaximum, symbolicMinimum} from './binary.js';
import {cast} from './cast.js';
import {kernelType, numberTypes, suffixOf} from './kernel-type.js';
import {callBinary, callUnary, converted} from './lowering.js';
import {elementwise, type Known} from './symbolic.js';
import type {Tensor} from '../../graph/tensor.js';

const bound = (context: EvaluateContext, x: Tensor, index: number, pair: Pair): Tensor => {
	const limit = context.inputs[index];
	return limit ? {...combine(context, x.dtype, x, cast({...limit, dims: []}, x.dtype), pair), dims: x.dims} : x;
};

export const clip: Op = {
	name: 'Clip',
	upgrade({node, opset, addConstant}) {
		if (opset >= 11) {
			return node;
		}

		// The bounds were attributes of floats. The node's own type is not known here; the bounds are converted where they are used.
		const {min, max, ...attributes} = node.attributes;
		const input = (value: unknown): string => (typeof value === 'number' ? addConstant(float32([], [value])) : '');
		return {...node, inputs: [node.inputs[0]!, input(min), input(max)], attributes};
	},
	infer(context) {
		const {dtype, shape} = context.input(0);
		const limits = [1, 2].filter(index => context.has(index));
		return [
			elementwise(context, {dtype, shape}, [0, ...limits], ([x, ...bounds], symbols): Known =>
				bounds.reduce<Known>((value, limit, i) => {
					const rule = limits[i] === 1 ? symbolicMaximum : symbolicMinimum;
					return value === undefined || limit === undefined ? undefined : rule(value, limit, symbols);
				}, x),
			),
		];
	},
	evaluate: context => [bound(context, bound(context, context.input(0), 1, maximumPair), 2, minimumPair)],
	lower(context) {
		const dtype = kernelType(context, numberTypes);
		const [x, y] = [context.input(0), context.output(0)];
		const limit = (index: number): number | undefined => {
			const tensor = context.constant(index);
			return tensor && toNumbers(tensor)[0];
		};

		const low = context.has(1) ? limit(1) : -Infinity;
		const high = context.has(2) ? limit(2) : Infinity;
		if (dtype === 'float32' && low !== undefined && high !== undefined) {
			callUnary(context, 'unary_clip_f32', y, x, {alpha: low, beta: high});
		} else if (!context.has(1) && !context.has(2)) {
			context.alias(0, 0);
		} else {
			const scalar = (index: number) => ({...converted(context, context.input(index), dtype), shape: []});
			if (context.has(1)) {
				callBinary(context, `binary_max_${suffixOf(dtype)}`, y, x, scalar(1));
			}

			if (context.has(2)) {
				callBinary(context, `binary_min_${suffixOf(dtype)}`, y, context.has(1) ? y : x, scalar(2));
			}
		}
	},
};
