/**
 * com.microsoft.GroupQueryAttention: grouped queries with rotary embedding and cache inside. The new positions follow the past ones, so
 * they are past to past + sequence − 1; seqlens_k and total_sequence_length say the same and are not read.
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.GroupQueryAttention
 */
import {add, lessOrEqual, type Dim} from '../../graph/dim.js';
import type {ExpandContext, InferContext, Op} from '../op.js';
import {integer, real} from '../linear/attributes.js';
import {count, fixed, integersOf, lengthOf, node, refuseAttributes, refuseInputs, reshape, rows, split, unsqueeze, wants} from './steps.js';

type Sizes = {readonly heads: number; readonly kvHeads: number; readonly width: number; readonly packed: boolean};

function sizes(context: InferContext): Sizes {
	const {attributes, fail} = context;
	const [heads, kvHeads] = [integer(attributes, 'num_heads', 0), integer(attributes, 'kv_num_heads', 0)];
	if (heads < 1 || kvHeads < 1 || heads % kvHeads !== 0) {
		fail('num_heads must be a multiple of kv_num_heads', {found: `${heads} and ${kvHeads}`});
	}

	const packed = !context.has(1);
	const total = fixed(context, context.input(0).shape[2], 'the width of the query');
	const width = total / (packed ? heads + 2 * kvHeads : heads);
	return Number.isInteger(width)
		? {heads, kvHeads, width, packed}
		: fail('the query does not fit the heads', {expected: `a multiple of ${packed ? heads + 2 * kvHeads : heads}`, found: String(total)});
}

function refuseUnsupported(context: ExpandContext): void {
	refuseInputs(context, {head_sink: 11, k_scale: 12, v_scale: 13});
	refuseAttributes(context, {
		smooth_softmax: [-1, 0],
		qk_output: [0],
		k_quant_type: ['NONE'],
		v_quant_type: ['NONE'],
		kv_cache_bit_width: [0],
		sliding_window_cache: [0],
	});
	if (wants(context, 3)) {
		context.fail('output 3 (output_qk) is not supported', {hint: 'export the model without it'});
	}
}

/** Each head divided by its root mean square, times a gain of one head's width. */
function normaliseHeads(context: ExpandContext, x: string, gain: string, heads: number, width: number): string {
	const epsilon = real(context.attributes, 'qk_norm_epsilon', 1e-6);
	const normed = node(context, 'RMSNormalization', [reshape(context, x, [0, 0, heads, width]), gain], {axis: -1, epsilon});
	return reshape(context, normed, [0, 0, heads * width]);
}

/** Cosine and sine of the new positions, [batch or 1, sequence, half]. */
function tables(context: ExpandContext): [string, string] {
	const [cosine, sine, positions] = [7, 8, 9].map(index => context.inputNames[index] ?? '') as [string, string, string];
	if (cosine === '' || sine === '') {
		context.fail('do_rotary needs cos_cache and sin_cache', {expected: 'inputs 7 and 8'});
	}

	if (positions !== '') {
		return [cosine, sine].map(table => rows(context, table, positions)) as [string, string];
	}

	const past = context.has(3) ? context.input(3).shape[2]! : 0;
	const length = add(past, context.input(0).shape[1]!);
	const first = context.has(3) ? lengthOf(context, context.inputNames[3]!, 2) : integersOf(context, [0]);
	const end = node(context, 'Add', [first, lengthOf(context, context.inputNames[0]!, 1)]);
	// A range of rows costs nothing. Where the tables may be too short, a look-up stops the run instead of reading past their end.
	if (lessOrEqual(length, context.input(7).shape[0]!, context.bounds)) {
		return [cosine, sine].map(table => unsqueeze(context, node(context, 'Slice', [table, first, end, integersOf(context, [0])]), 0)) as [string, string];
	}

	const all = unsqueeze(context, count(context, first, end), 0);
	return [cosine, sine].map(table => rows(context, table, all)) as [string, string];
}

export const groupQueryAttention: Op = {
	name: 'com.microsoft.GroupQueryAttention',
	infer(context) {
		const {heads, kvHeads, width} = sizes(context);
		const {
			dtype,
			shape: [batch, sequence],
		} = context.input(0) as {dtype: 'float32'; shape: readonly [Dim, Dim, Dim]};
		const length = context.has(3) ? add(context.input(3).shape[2]!, sequence) : sequence;
		const present = {dtype, shape: [batch, kvHeads, length, width]};
		return [{dtype, shape: [batch, sequence, heads * width]}, present, present, {dtype, shape: [batch, heads, sequence, length]}];
	},
	expand(context) {
		refuseUnsupported(context);
		const {attributes, inputNames, outputNames} = context;
		const {heads, kvHeads, width, packed} = sizes(context);
		const [query, key, v] = packed
			? (split(context, inputNames[0]!, 2, [heads * width, kvHeads * width, kvHeads * width]) as [string, string, string])
			: (inputNames.slice(0, 3) as [string, string, string]);
		let q = context.has(14) ? normaliseHeads(context, query, inputNames[14]!, heads, width) : query;
		let k = context.has(15) ? normaliseHeads(context, key, inputNames[15]!, kvHeads, width) : key;

		if (integer(attributes, 'do_rotary', 0) !== 0) {
			const positions = tables(context);
			const interleaved = integer(attributes, 'rotary_interleaved', 0);
			q = node(context, 'snug.Rotary', [q, ...positions], {heads, interleaved});
			k = node(context, 'snug.Rotary', [k, ...positions], {heads: kvHeads, interleaved});
		}

		const window = integer(attributes, 'local_window_size', -1);
		context.addNode(
			'snug.Attention',
			[q, k, v, inputNames[3] ?? '', inputNames[4] ?? '', '', inputNames[10] ?? ''],
			{
				heads,
				kv_heads: kvHeads,
				scale: real(attributes, 'scale', 0) || 1 / Math.sqrt(width),
				causal: integer(attributes, 'causal', 1),
				window: Math.max(window, 0),
				softcap: real(attributes, 'softcap', 0),
			},
			outputNames.slice(0, 3),
		);
	},
};
