/** Sum, Mean, Max and Min of any number of tensors that broadcast. https://onnx.ai/onnx/operators/ */
import type {Bounds, Dim} from '../../graph/dim.js';
import type {DType} from '../../graph/dtype.js';
import {cast} from './cast.js';
import {broadcastDims, broadcastShapes} from '../broadcast.js';
import type {Op} from '../op.js';
import {commonType, maximumPair, minimumPair, sumPair, symbolicMaximum, symbolicMinimum} from './binary.js';
import {combine, mapNumbers, type Pair} from './elements.js';
import {kernelType, numberTypes, suffixOf, wrappingSuffix} from './kernel-type.js';
import {callBinary, callUnary} from './lowering.js';
import {elementwise} from './symbolic.js';

type Variadic = {
	readonly pair: Pair;
	readonly symbolic?: (a: Dim, b: Dim, bounds: Bounds) => Dim;
	readonly kernel: string;
	readonly suffix: (dtype: DType) => string;
	/** Whether the result is divided by the number of inputs. */
	readonly mean?: boolean;
};

const variadic = (name: string, {pair, symbolic, kernel, suffix, mean = false}: Variadic): Op => ({
	name,
	infer(context) {
		const dtype = commonType(context);
		const indices = Array.from({length: context.inputCount}, (_, index) => index);
		const shape = broadcastShapes(context, ...indices.map(index => context.input(index).shape));
		return [
			elementwise(
				context,
				{dtype, shape},
				indices,
				symbolic && ((elements, bounds) => elements.reduce((a, b) => (a === undefined || b === undefined ? undefined : symbolic(a, b, bounds)))),
			),
		];
	},
	evaluate(context) {
		const {dtype} = context.input(0);
		const inputs = context.inputs.map((_, index) => context.input(index));
		// Floats are added in doubles and rounded once.
		const wide = dtype === 'float32' || dtype === 'float16' || dtype === 'bfloat16' ? inputs.map(x => cast(x, 'float64')) : inputs;
		const total = wide.reduce((a, b) => combine(context, a.dtype, a, b, pair));
		const result = mean ? mapNumbers(total.dtype, total, x => x / inputs.length) : total;
		return [cast({...result, dims: broadcastDims(context, ...inputs.map(x => x.dims))}, dtype)];
	},
	lower(context) {
		const dtype = kernelType(context, mean ? ['float32'] : numberTypes);
		if (context.inputCount === 1) {
			context.alias(0, 0);
			return;
		}

		const y = context.output(0);
		for (let index = 1; index < context.inputCount; index++) {
			callBinary(context, `binary_${kernel}_${suffix(dtype)}`, y, index === 1 ? context.input(0) : y, context.input(index));
		}

		if (mean) {
			callUnary(context, 'unary_affine_f32', y, y, {alpha: 1 / context.inputCount, beta: 0});
		}
	},
});

export const variadicOps: readonly Op[] = [
	variadic('Sum', {pair: sumPair, kernel: 'add', suffix: wrappingSuffix}),
	variadic('Mean', {pair: sumPair, kernel: 'add', suffix: wrappingSuffix, mean: true}),
	variadic('Max', {pair: maximumPair, symbolic: symbolicMaximum, kernel: 'max', suffix: suffixOf}),
	variadic('Min', {pair: minimumPair, symbolic: symbolicMinimum, kernel: 'min', suffix: suffixOf}),
];
