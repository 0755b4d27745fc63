/**
 * Normalisation by channel of [batch, channels, …]: BatchNormalization with given statistics (https://arxiv.org/abs/1502.03167),
 * InstanceNormalization (https://arxiv.org/abs/1607.08022) and GroupNormalization (https://arxiv.org/abs/1803.08494).
 */
import {equal, floorDivide, isNumber, keyOf, multiply, type Dim} from '../../graph/dim.js';
import {isFloat} from '../../graph/dtype.js';
import type {Tensor} from '../../graph/tensor.js';
import {fromNumbers, toNumbers} from '../linear/numbers.js';
import {flag, integer, real} from '../linear/attributes.js';
import type {EvaluateContext, InferContext, Inferred, Op} from '../op.js';
import {kernelType} from './kernel-type.js';
import type {LowerContext} from '../../plan/lower-context.js';

const epsilonOf = ({attributes}: Pick<InferContext, 'attributes'>): number => real(attributes, 'epsilon', 1e-5);

const sizesOf = (shape: readonly Dim[]): {batch: Dim; channels: Dim; space: Dim} => ({
	batch: shape[0]!,
	channels: shape[1]!,
	space: multiply(...shape.slice(2)),
});

function inferChannels(context: InferContext, parameters: readonly number[], allowed: (channels: Dim) => readonly Dim[]): Inferred {
	const {dtype, shape} = context.input(0);
	if (!isFloat(dtype) || shape.length < 2) {
		context.fail('the input cannot be normalised by channel', {expected: 'a float tensor [batch, channels, …]', found: `${dtype} of rank ${shape.length}`});
	}

	const lengths = allowed(shape[1]!);
	for (const index of parameters) {
		const given = context.input(index).shape;
		if (given.length !== 1 || !lengths.some(length => equal(length, given[0]!))) {
			context.fail(`input ${index} does not fit the channels`, {
				expected: lengths.map(length => `[${keyOf(length)}]`).join(' or '),
				found: `[${given.map(keyOf).join(', ')}]`,
			});
		}
	}

	return {dtype, shape};
}

export const batchNormalization: Op = {
	name: 'BatchNormalization',
	upgrade({node, opset, fail}) {
		if (opset < 9 && node.attributes['spatial'] === 0) {
			fail('statistics for each position are not supported', {expected: 'spatial 1', found: 'spatial 0', hint: 'export the model with opset 9 or newer'});
		}

		return node;
	},
	infer(context) {
		if (flag(context.attributes, 'training_mode') || context.node.outputs.slice(1).some(output => output !== '')) {
			context.fail('the node is in training mode', {
				expected: 'one output and training_mode 0',
				found: `${context.outputCount} outputs`,
				hint: 'export the model in evaluation mode',
			});
		}

		return [inferChannels(context, [1, 2, 3, 4], channels => [channels])];
	},
	evaluate(context) {
		const x = context.input(0);
		const [scale, bias, mean, variance] = [1, 2, 3, 4].map(index => toNumbers(context.input(index))) as readonly Channel[] as [
			Channel,
			Channel,
			Channel,
			Channel,
		];
		const space = x.dims.slice(2).reduce((a, b) => a * b, 1);
		const values = Float64Array.from(toNumbers(x), (value, i) => {
			const c = Math.floor(i / space) % x.dims[1]!;
			return ((value - mean[c]!) / Math.sqrt(variance[c]! + epsilonOf(context))) * scale[c]! + bias[c]!;
		});
		return [fromNumbers(x.dtype, x.dims, values)];
	},
	lower(context) {
		for (const index of [0, 1, 2, 3, 4]) {
			kernelType(context, ['float32'], index);
		}

		const [x, scale, bias, mean, variance] = [0, 1, 2, 3, 4].map(index => context.input(index)) as [Input, Input, Input, Input, Input];
		context.call('batch_norm_f32', {y: context.output(0), x, scale, bias, mean, variance, ...sizesOf(x.shape), epsilon: epsilonOf(context)});
	},
};

type Channel = ArrayLike<number>;
type Input = ReturnType<LowerContext['input']>;

function evaluateGroups(context: EvaluateContext, groups: number): Tensor[] {
	const x = context.input(0);
	const numbers = Float64Array.from(toNumbers(x));
	const scale = toNumbers(context.input(1));
	const bias = toNumbers(context.input(2));
	const channels = x.dims[1]!;
	const space = x.dims.slice(2).reduce((a, b) => a * b, 1);
	const size = (channels / groups) * space;
	const values = new Float64Array(numbers.length);
	for (let start = 0; start < values.length; start += size) {
		const group = numbers.subarray(start, start + size);
		const mean = group.reduce((a, b) => a + b, 0) / size;
		const variance = group.reduce((a, b) => a + (b - mean) ** 2, 0) / size;
		for (let i = start; i < start + size; i++) {
			const channel = Math.floor(i / space) % channels;
			// Up to opset 20 there is one scale for each group.
			const at = scale.length === channels ? channel : Math.floor((channel * groups) / channels);
			values[i] = ((numbers[i]! - mean) / Math.sqrt(variance + epsilonOf(context))) * scale[at]! + bias[at]!;
		}
	}

	return [fromNumbers(x.dtype, x.dims, values)];
}

function lowerGroups(context: LowerContext, groups: Dim): void {
	for (const index of [0, 1, 2]) {
		kernelType(context, ['float32'], index);
	}

	const [x, scale, bias] = [context.input(0), context.input(1), context.input(2)];
	const {batch, channels, space} = sizesOf(x.shape);
	const grouped = Number(!equal(scale.shape[0]!, channels));
	context.call('group_norm_f32', {
		y: context.output(0),
		x,
		scale,
		bias,
		batch,
		groups,
		channels: floorDivide(channels, groups),
		space,
		grouped,
		epsilon: epsilonOf(context),
	});
}

const groupsOf = ({attributes}: Pick<InferContext, 'attributes'>): number => integer(attributes, 'num_groups', 0);

export const groupNormalization: Op = {
	name: 'GroupNormalization',
	infer(context) {
		const groups = groupsOf(context);
		const channels = context.input(0).shape[1];
		if (groups < 1 || (channels !== undefined && isNumber(channels) && channels % groups !== 0)) {
			context.fail('the groups do not divide the channels', {
				expected: `a divisor of ${channels === undefined ? 'the channels' : keyOf(channels)} as num_groups`,
				found: String(groups),
			});
		}

		return [inferChannels(context, [1, 2], all => [all, groups])];
	},
	evaluate: context => evaluateGroups(context, groupsOf(context)),
	lower(context) {
		lowerGroups(context, groupsOf(context));
	},
};

/** A group norm with one channel a group. */
export const instanceNormalization: Op = {
	name: 'InstanceNormalization',
	infer: context => [inferChannels(context, [1, 2], channels => [channels])],
	evaluate: context => evaluateGroups(context, context.input(0).dims[1]!),
	lower(context) {
		lowerGroups(context, context.input(0).shape[1]!);
	},
};
