/** How attention becomes kernel calls: on a resident cache, on a past given as a tensor, or on keys and values alone. */
import {add, multiply, type Dim} from '../../graph/dim.js';
import type {CallArgument, LowerContext, Operand, StateOperand} from '../../plan/lower-context.js';
import {attentionAttributes} from './attention-attributes.js';
import {rowStride} from './linear.js';
import {product} from '../../graph/shape.js';

const SUFFIX = {float32: 'f32', float16: 'f16', int8: 'i8'} as const;

/** Positions in a block of the kernel, and queries that take a block one after the other. */
const [KEYS, QUERIES] = [64, 8];

/** What the kernel wants beside scores, weights and sums, in f32: rows of halfs are widened, queries of int8 keys rounded. */
const EXTRA: Readonly<Record<StateOperand['storage'], (width: number, valueWidth: number) => number>> = {
	float32: () => 0,
	float16: (width, valueWidth) => KEYS * (width + valueWidth),
	int8: width => (QUERIES / 2) * (width + 1),
};

/** Where keys or values lie: strides in elements for batch, head and position. */
type Layout = {readonly data: Operand; readonly scales: CallArgument; readonly batch: Dim; readonly head: Dim; readonly row: Dim; readonly positions: Dim};

export function lowerAttention(context: LowerContext): void {
	const {heads, kv_heads: kvHeads, scale, causal, window, softcap} = attentionAttributes(context.attributes);
	const [q, k, v] = [context.input(0), context.input(1), context.input(2)];
	const [batch, queries, total] = q.shape as [Dim, Dim, number];
	const width = total / heads;
	const valueWidth = (v.shape[2] as number) / kvHeads;
	const past = context.has(3) ? context.input(3).shape[2]! : 0;
	const length = add(past, k.shape[1]!);
	const keys = place(context, 3, 1, k, kvHeads, past, length);
	const values = place(context, 4, 2, v, kvHeads, past, length);
	const bias = context.has(6) ? context.input(6) : undefined;
	const [biasBatch, biasHead, biasRow, biasKey] = bias ? stridesOfDims(bias.shape) : [0, 0, 0, 0];
	const storage = context.state(3)?.storage ?? 'float32';
	context.call(`attention_${SUFFIX[storage]}`, {
		y: context.output(0),
		q,
		k: keys.data,
		v: values.data,
		k_scales: keys.scales,
		v_scales: values.scales,
		padding: context.has(5) ? paddingBias(context, context.input(5)) : 0,
		bias: bias ?? 0,
		scratch: context.threadScratch(4 * (8 * QUERIES + 5 * KEYS + QUERIES * valueWidth + EXTRA[storage](width, valueWidth))),
		// The order of the kernel's Shape.
		shape: [
			...[batch, heads, kvHeads, queries, length, past, width, valueWidth, causal, window],
			...[rowStride(q), keys.batch, keys.head, keys.row, values.batch, values.head, values.row, biasBatch!, biasHead!, biasRow!, biasKey!, keys.positions],
		],
		scale,
		softcap,
	});
}

function place(context: LowerContext, pastInput: number, output: number, source: Operand, heads: number, past: Dim, length: Dim): Layout {
	const width = (source.shape[2] as number) / heads;
	const row = rowStride(source);
	const state = context.state(pastInput);
	if (state) {
		return append(context, state, source, past, row);
	}

	if (context.has(pastInput) || context.wants(output)) {
		const joined = context.wants(output) ? context.output(output) : context.scratch(multiply(4, source.shape[0]!, heads, length, width));
		const before = context.has(pastInput) ? context.input(pastInput) : 0;
		context.call('cache_join_f32', {y: joined, x_past: before, x: source, batch: source.shape[0]!, count: source.shape[1]!, past, heads, width, x_row: row});
		return {data: joined, scales: 0, batch: multiply(heads, length, width), head: multiply(length, width), row: width, positions: length};
	}

	return {data: source, scales: 0, batch: multiply(source.shape[1]!, row), head: width, row, positions: length};
}

function append(context: LowerContext, state: StateOperand, source: Operand, past: Dim, row: Dim): Layout {
	const {storage, data, scales, heads, positions, width} = state;
	context.call(`cache_append_${SUFFIX[storage]}`, {
		cache: data,
		scales: scales ?? 0,
		x: source,
		count: source.shape[1]!,
		past,
		heads,
		width,
		positions,
		x_row: row,
	});
	return {data, scales: scales ?? 0, batch: 0, head: positions * width, row: width, positions};
}

const MASKS: Readonly<Record<string, string>> = {int64: 'i64', int32: 'i32', bool: 'u8', float32: 'f32'};

function paddingBias(context: LowerContext, mask: Operand): Operand {
	const kernel = MASKS[mask.dtype] ?? context.fail('the padding mask has the wrong type', {expected: Object.keys(MASKS).join(', '), found: mask.dtype});
	const count = product(mask.shape);
	const bias = context.scratch(multiply(4, count));
	context.call(`mask_bias_${kernel}`, {y: bias, mask, n: count});
	return bias;
}

/** Row-major strides in elements; 0 along axes that are broadcast. */
const stridesOfDims = (shape: readonly Dim[]): Dim[] =>
	shape.map((dim, axis) => (dim === 1 ? 0 : shape.slice(axis + 1).reduce<Dim>((a, b) => multiply(a, b), 1)));
