/**
 * com.microsoft.EmbedLayerNormalization: the sum of word, position and segment embeddings, normalised; and the number of ones in each row
 * of the mask. https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.EmbedLayerNormalization
 */
import {zeros} from '../../graph/tensor.js';
import type {Op} from '../op.js';
import {real} from '../linear/attributes.js';
import {fixed, integersOf, lengthOf, node, outputOr, refuseAttributes, unsqueeze, wants} from './steps.js';

export const embedLayerNorm: Op = {
	name: 'com.microsoft.EmbedLayerNormalization',
	infer(context) {
		const [batch, sequence] = context.input(0).shape;
		const {dtype, shape} = context.input(2);
		const embedded = {dtype, shape: [batch!, sequence!, shape[1]!]};
		return [embedded, {dtype: 'int32', shape: [batch!]}, embedded];
	},
	expand(context) {
		const {inputNames, outputNames, attributes} = context;
		const [ids, segments, words, positions, segmentTable, gamma, beta, mask = '', positionIds = ''] = inputNames as [
			string,
			string,
			string,
			string,
			string,
			string,
			string,
			string?,
			string?,
		];
		refuseAttributes(context, {mask_index_type: [0, 1]});
		const rows =
			positionIds === ''
				? unsqueeze(context, node(context, 'Slice', [positions, integersOf(context, [0]), lengthOf(context, ids, 1), integersOf(context, [0])]), 0)
				: node(context, 'Gather', [positions, positionIds], {axis: 0});
		const segmented = context.has(1) && context.has(4);
		const sum = node(context, 'Add', [node(context, 'Gather', [words, ids], {axis: 0}), rows], {}, segmented ? 1 : outputOr(context, 2));
		const all = segmented ? node(context, 'Add', [sum, node(context, 'Gather', [segmentTable, segments], {axis: 0})], {}, outputOr(context, 2)) : sum;
		context.addNode('LayerNormalization', [all, gamma, beta], {axis: -1, epsilon: real(attributes, 'epsilon', 1e-12)}, outputNames.slice(0, 1));
		if (!wants(context, 1)) {
			return;
		}

		if (mask === '') {
			const batch = fixed(context, context.input(0).shape[0], 'the batch');
			context.addNode('Identity', [context.addConstant(zeros('int32', [batch]))], {}, [outputNames[1]!]);
		} else {
			context.addNode('ReduceSum', [mask, integersOf(context, [1])], {keepdims: 0}, [outputNames[1]!]);
		}
	},
};
