/**
 * com.microsoft.SkipSimplifiedLayerNormalization and SkipLayerNormalization: the sum of a residual stream and a branch, normalised; the
 * sum itself is the last output. https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
 */
import type {ExpandContext, Op} from '../op.js';
import {real} from '../linear/attributes.js';
import {node, outputOr, wants} from './steps.js';

const skipNorm = (name: string, norm: (context: ExpandContext, sum: string) => void, bias: number): Op => ({
	name: `com.microsoft.${name}`,
	infer(context) {
		const {dtype, shape} = context.input(0);
		const statistic = {dtype: 'float32' as const, shape: shape.map((dim, axis) => (axis === shape.length - 1 ? 1 : dim))};
		return [{dtype, shape}, statistic, statistic, {dtype, shape}];
	},
	expand(context) {
		const [input, skip] = context.inputNames as [string, string];
		for (const [output, statistic] of [
			[1, 'mean'],
			[2, 'inv_std_var'],
		] as const) {
			if (wants(context, output)) {
				context.fail(`output ${output} (${statistic}) is not supported`, {hint: 'it serves training only; export the model for inference'});
			}
		}

		const sum = context.has(bias)
			? node(context, 'Add', [node(context, 'Add', [input, skip]), context.inputNames[bias]!], {}, outputOr(context, 3))
			: node(context, 'Add', [input, skip], {}, outputOr(context, 3));
		norm(context, sum);
	},
});

export const skipRmsNorm = skipNorm(
	'SkipSimplifiedLayerNormalization',
	(context, sum) => {
		context.addNode(
			'RMSNormalization',
			[sum, context.inputNames[2]!],
			{axis: -1, epsilon: real(context.attributes, 'epsilon', 1e-12)},
			context.outputNames.slice(0, 1),
		);
	},
	3,
);

export const skipLayerNorm = skipNorm(
	'SkipLayerNormalization',
	(context, sum) => {
		const beta = context.has(3) ? [context.inputNames[3]!] : [];
		context.addNode(
			'LayerNormalization',
			[sum, context.inputNames[2]!, ...beta],
			{axis: -1, epsilon: real(context.attributes, 'epsilon', 1e-12)},
			context.outputNames.slice(0, 1),
		);
	},
	4,
);
