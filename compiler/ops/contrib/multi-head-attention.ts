/**
 * com.microsoft.MultiHeadAttention (separate or packed query, key and value) and com.microsoft.Attention (with the projection inside).
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.MultiHeadAttention
 */
import {add, type Dim} from '../../graph/dim.js';
import type {ExpandContext, InferContext, Op} from '../op.js';
import {describeShape} from '../broadcast.js';
import {integer, integers, real} from '../linear/attributes.js';
import {addBias, contribMask} from './attention-masks.js';
import {fixed, integersOf, lengthOf, mergeHeads, node, refuseAttributes, refuseInputs, reshape, split, unsqueeze, wants} from './steps.js';

type Heads = {readonly heads: number; readonly width: number; readonly valueWidth: number; readonly batch: Dim; readonly queries: Dim; readonly keys: Dim};

const headsOf = ({attributes, fail}: InferContext): number => {
	const heads = integer(attributes, 'num_heads', 0);
	return heads > 0 ? heads : fail('attribute num_heads is missing', {expected: 'at least 1', found: String(heads)});
};

function sizes(context: InferContext): Heads {
	const heads = headsOf(context);
	const q = context.input(0).shape;
	const key = context.has(1) ? context.input(1).shape : q;
	const past = context.has(6) ? context.input(6).shape[2]! : 0;
	const separate = key.length === 4;
	const width = q.length === 5 ? fixed(context, q[4], 'the width of a head') : fixed(context, q[2], 'the width of the query') / heads;
	const value = context.has(2) ? context.input(2).shape : key;
	const valueWidth = value.length === 3 ? fixed(context, value[2], 'the width of the value') / heads : fixed(context, value.at(-1), 'the width of a head');
	return {heads, width, valueWidth, batch: q[0]!, queries: q[1]!, keys: add(past, key[separate ? 2 : 1]!)};
}

/** Query, key and value as [batch, sequence, heads·width], whatever the form in which they come. */
function parts(context: ExpandContext, {heads, width, valueWidth}: Heads): [string, string, string] {
	const [query, key, value] = [0, 1, 2].map(index => context.inputNames[index] ?? '') as [string, string, string];
	const unpack = (packed: string, count: number): string[] =>
		split(
			context,
			packed,
			3,
			Array.from({length: count}, () => 1),
		).map(part => reshape(context, part, [0, 0, heads * width]));
	if (key === '') {
		return context.input(0).shape.length === 5
			? (unpack(query, 3) as [string, string, string])
			: context.fail('key is missing', {expected: 'key and value, or a packed query', found: describeShape(context.input(0).shape)});
	}

	if (value === '') {
		return context.input(1).shape.length === 5
			? [query, ...(unpack(key, 2) as [string, string])]
			: context.fail('value is missing', {expected: 'value, or a packed key'});
	}

	return context.input(1).shape.length === 4
		? [query, mergeHeads(context, key, heads * width), mergeHeads(context, value, heads * valueWidth)]
		: [query, key, value];
}

export const multiHeadAttention: Op = {
	name: 'com.microsoft.MultiHeadAttention',
	infer(context) {
		const {heads, width, valueWidth, batch, queries, keys} = sizes(context);
		const {dtype} = context.input(0);
		return [
			{dtype, shape: [batch, queries, heads * valueWidth]},
			{dtype, shape: [batch, heads, keys, width]},
			{dtype, shape: [batch, heads, keys, valueWidth]},
			{dtype, shape: [batch, heads, queries, keys]},
		];
	},
	expand(context) {
		const {attributes, inputNames, outputNames} = context;
		refuseInputs(context, {past_sequence_length: 8, cache_indirection: 9});
		if (wants(context, 3)) {
			context.fail('output 3 (qk) is not supported', {hint: 'export the model without it'});
		}

		const geometry = sizes(context);
		const {heads, width, valueWidth, batch} = geometry;
		let [q, k, v] = parts(context, geometry);
		if (context.has(3)) {
			const biases = split(context, inputNames[3]!, 0, [heads * width, heads * width, heads * valueWidth]);
			[q, k, v] = [q, k, v].map((part, index) => node(context, 'Add', [part, biases[index]!])) as [string, string, string];
		}

		const total = context.has(6) ? node(context, 'Add', [lengthOf(context, inputNames[6]!, 2), lengthOf(context, k, 1)]) : lengthOf(context, k, 1);
		const masks = contribMask(context, 4, batch, total);
		context.addNode(
			'snug.Attention',
			[q, k, v, inputNames[6] ?? '', inputNames[7] ?? '', masks.padding, addBias(context, masks.bias, inputNames[5] ?? '')],
			{
				heads,
				kv_heads: heads,
				scale: real(attributes, 'scale', 0) || 1 / Math.sqrt(width),
				causal: integer(attributes, 'unidirectional', 0),
				window: 0,
				softcap: 0,
			},
			outputNames.slice(0, 3),
		);
	},
};

function hiddenSizes(context: InferContext): readonly [number, number, number] {
	const total = fixed(context, context.input(1).shape[1], 'the width of the weights');
	const [q, k, v] = integers(context.attributes, 'qkv_hidden_sizes') ?? [total / 3, total / 3, total / 3];
	return q! + k! + v! === total && q === k
		? [q!, k!, v!]
		: context.fail('qkv_hidden_sizes does not fit the weights', {expected: `three sizes that sum to ${total}, the first two equal`, found: `${q}, ${k}, ${v}`});
}

export const contribAttention: Op = {
	name: 'com.microsoft.Attention',
	infer(context) {
		const [hidden, , values] = hiddenSizes(context);
		const {dtype, shape} = context.input(0);
		const heads = headsOf(context);
		const length = context.has(4) ? add(context.input(4).shape[3]!, shape[1]!) : shape[1]!;
		return [
			{dtype, shape: [shape[0]!, shape[1]!, values]},
			{dtype, shape: [2, shape[0]!, heads, length, hidden / heads]},
		];
	},
	expand(context) {
		refuseAttributes(context, {do_rotary: [0], past_present_share_buffer: [0]});
		refuseInputs(context, {past_sequence_length: 6});
		const {attributes, inputNames, outputNames} = context;
		const heads = headsOf(context);
		const hidden = hiddenSizes(context);
		const product = node(context, 'MatMul', inputNames.slice(0, 2));
		const projected = context.has(2) ? node(context, 'Add', [product, inputNames[2]!]) : product;
		const [q, k, v] = split(context, projected, 2, hidden) as [string, string, string];
		const halves = context.has(4)
			? split(context, inputNames[4]!, 0, [1, 1]).map(half => node(context, 'Squeeze', [half, integersOf(context, [0])]))
			: ['', ''];
		const total = context.has(4) ? node(context, 'Add', [lengthOf(context, inputNames[4]!, 3), lengthOf(context, k, 1)]) : lengthOf(context, k, 1);
		const masks = contribMask(context, 3, context.input(0).shape[0]!, total);
		const [, key, value] = context.addNode(
			'snug.Attention',
			[q, k, v, ...halves, masks.padding, addBias(context, masks.bias, inputNames[5] ?? '')],
			{
				heads,
				kv_heads: heads,
				scale: real(attributes, 'scale', 0) || 1 / Math.sqrt(hidden[0] / heads),
				causal: integer(attributes, 'unidirectional', 0),
				window: 0,
				softcap: 0,
			},
			[outputNames[0]!, ...(wants(context, 1) ? [`${outputNames[1]!}/key`, `${outputNames[1]!}/value`] : [])],
		);
		if (wants(context, 1)) {
			context.addNode('Concat', [unsqueeze(context, key!, 0), unsqueeze(context, value!, 0)], {axis: 0}, [outputNames[1]!]);
		}
	},
};
