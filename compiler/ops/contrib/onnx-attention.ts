/**
 * Attention of ai.onnx 23 and 24 as `snug.Attention`. Causal masks are aligned at the upper left, moved by the past.
 * https://onnx.ai/onnx/operators/onnx__Attention.html
 */
import {add, equal, isNumber, type Dim} from '../../graph/dim.js';
import {describeShape} from '../broadcast.js';
import type {InferContext, Op} from '../op.js';
import {integer, real} from '../linear/attributes.js';
import {biasOfMask, fourAxes, paddingOfLengths} from './attention-masks.js';
import {fixed, lengthOf, mergeHeads, node, refuseAttributes, splitHeads, wants} from './steps.js';

type Sizes = {
	readonly heads: number;
	readonly kvHeads: number;
	readonly width: number;
	readonly valueWidth: number;
	readonly separate: boolean;
	readonly batch: Dim;
	readonly queries: Dim;
	readonly keys: Dim;
};

function sizes(context: InferContext): Sizes {
	const {attributes, fail} = context;
	const [q, k, v] = [0, 1, 2].map(index => context.input(index).shape) as [readonly Dim[], readonly Dim[], readonly Dim[]];
	const separate = q.length === 4;
	if (![3, 4].includes(q.length) || k.length !== q.length || v.length !== q.length) {
		fail('Q, K and V must have 3 or 4 axes, all the same', {found: [q, k, v].map(describeShape).join(', ')});
	}

	const past = context.has(4) ? context.input(4).shape[2]! : 0;
	if (separate) {
		const number = (dim: Dim | undefined, what: string): number => fixed(context, dim, what);
		return {
			heads: number(q[1], 'the number of heads'),
			kvHeads: number(k[1], 'the number of key heads'),
			width: number(q[3], 'the width of a head'),
			valueWidth: number(v[3], 'the width of a value head'),
			separate,
			batch: q[0]!,
			queries: q[2]!,
			keys: add(past, k[2]!),
		};
	}

	const [heads, kvHeads] = [integer(attributes, 'q_num_heads', 0), integer(attributes, 'kv_num_heads', 0)];
	if (heads < 1 || kvHeads < 1) {
		fail('inputs of 3 axes need the attributes q_num_heads and kv_num_heads', {found: `${heads} and ${kvHeads}`});
	}

	return {
		heads,
		kvHeads,
		width: fixed(context, q[2], 'the width of Q') / heads,
		valueWidth: fixed(context, v[2], 'the width of V') / kvHeads,
		separate,
		batch: q[0]!,
		queries: q[1]!,
		keys: add(past, k[1]!),
	};
}

export const onnxAttention: Op = {
	name: 'Attention',
	infer(context) {
		const {heads, kvHeads, width, valueWidth, separate, batch, queries, keys} = sizes(context);
		const {dtype} = context.input(0);
		return [
			{dtype, shape: separate ? [batch, heads, queries, valueWidth] : [batch, queries, heads * valueWidth]},
			{dtype, shape: [batch, kvHeads, keys, width]},
			{dtype, shape: [batch, kvHeads, keys, valueWidth]},
			{dtype, shape: [batch, heads, queries, keys]},
		];
	},
	expand(context) {
		const {attributes, inputNames, outputNames} = context;
		const {heads, kvHeads, width, valueWidth, separate, keys} = sizes(context);
		refuseAttributes(context, {qk_matmul_output_mode: [0]});
		if (wants(context, 3)) {
			context.fail('output 3 (qk_matmul_output) is not supported', {hint: 'export the model without it'});
		}

		const causal = integer(attributes, 'is_causal', 0);
		if (context.has(6) && causal) {
			context.fail('is_causal together with nonpad_kv_seqlen is not supported', {hint: 'give the mask as attn_mask'});
		}

		const [q, k, v] = [heads * width, kvHeads * width, kvHeads * valueWidth].map((total, index) =>
			separate ? mergeHeads(context, inputNames[index]!, total) : inputNames[index]!,
		) as [string, string, string];
		let bias = '';
		if (context.has(3)) {
			const {dtype, shape} = context.input(3);
			const last = shape.at(-1)!;
			if (!equal(last, keys) && last !== 1) {
				context.fail('attn_mask does not reach all keys', {
					expected: describeShape([keys]),
					found: describeShape(shape),
					...(isNumber(last) ? {} : {hint: 'fix its symbol with --dim'}),
				});
			}

			bias = fourAxes(context, dtype === 'bool' ? biasOfMask(context, inputNames[3]!, dtype) : inputNames[3]!, shape.length);
		}

		const padding = context.has(6) ? paddingOfLengths(context, inputNames[6]!, lengthOf(context, inputNames[1]!, separate ? 2 : 1)) : '';
		const options = {
			heads,
			kv_heads: kvHeads,
			scale: real(attributes, 'scale', 0) || 1 / Math.sqrt(width),
			causal,
			window: 0,
			softcap: real(attributes, 'softcap', 0),
		};
		const inputs = [q, k, v, inputNames[4] ?? '', inputNames[5] ?? '', padding, bias];
		const presents = [1, 2].map(index => outputNames[index] ?? '');
		if (!separate) {
			context.addNode('snug.Attention', inputs, options, [outputNames[0]!, ...presents]);
			return;
		}

		const y = node(context, 'snug.Attention', inputs, options, [`${outputNames[0]!}/merged`, ...presents]);
		splitHeads(context, y, heads, valueWidth, outputNames.slice(0, 1));
	},
};
