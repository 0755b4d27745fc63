/**
 * RotaryEmbedding of com.microsoft and of ai.onnx 23, as `snug.Rotary`. Inputs are [batch, sequence, heads·width] or
 * [batch, heads, sequence, width]; tables are rows by position. https://onnx.ai/onnx/operators/onnx__RotaryEmbedding.html
 */
import {equal, keyOf, type Dim} from '../../graph/dim.js';
import {describeShape} from '../broadcast.js';
import type {ExpandContext, InferContext, Op} from '../op.js';
import {integer} from '../linear/attributes.js';
import {countTo, fixed, lengthOf, mergeHeads, node, refuseAttributes, rows, splitHeads, unsqueeze} from './steps.js';

type Sizes = {readonly heads: number; readonly width: number; readonly separate: boolean};

function sizes(context: InferContext, half: Dim): Sizes {
	const {attributes, fail} = context;
	const {shape} = context.input(0);
	const named = integer(attributes, 'num_heads', 0);
	const rotated = 2 * fixed(context, half, 'the width of the cosine table');
	const dim = integer(attributes, 'rotary_embedding_dim', 0);
	if (dim !== 0 && dim !== rotated) {
		fail('attribute rotary_embedding_dim does not fit the tables', {expected: String(rotated), found: String(dim)});
	}

	if (shape.length === 4) {
		return {heads: fixed(context, shape[1], 'the number of heads'), width: fixed(context, shape[3], 'the width of a head'), separate: true};
	}

	if (shape.length !== 3) {
		return fail('the input has the wrong number of axes', {expected: '3 or 4', found: describeShape(shape)});
	}

	const total = fixed(context, shape[2], 'the width of the input');
	const heads = named > 0 ? named : total / rotated;
	return Number.isInteger(total / heads) && Number.isInteger(heads)
		? {heads, width: total / heads, separate: false}
		: fail('the heads do not fit the input', {expected: `a divisor of ${total}`, found: keyOf(heads)});
}

/** The tables' rows at the positions, as [batch or 1, sequence, half]. Positions are [batch, sequence], or one offset. */
export function rowsAt(context: ExpandContext, table: string, positions: string, shape: readonly Dim[], sequence: string): string {
	if (shape.length === 2) {
		return rows(context, table, positions);
	}

	const all = node(context, 'Add', [countTo(context, sequence), positions]);
	return unsqueeze(context, rows(context, table, all), 0);
}

function expandRotary(context: ExpandContext, tables: readonly [string, string], {heads, width, separate}: Sizes): void {
	const attributes = {heads, interleaved: integer(context.attributes, 'interleaved', 0)};
	const x = context.inputNames[0]!;
	if (!separate) {
		context.addNode('snug.Rotary', [x, ...tables], attributes, context.outputNames);
		return;
	}

	const y = node(context, 'snug.Rotary', [mergeHeads(context, x, heads * width), ...tables], attributes);
	splitHeads(context, y, heads, width, context.outputNames);
}

const inferRotary = (context: InferContext) => [context.input(0)].map(({dtype, shape}) => ({dtype, shape}));

const sequenceOf = (context: ExpandContext): string => lengthOf(context, context.inputNames[0]!, context.input(0).shape.length - 2);

export const contribRotary: Op = {
	name: 'com.microsoft.RotaryEmbedding',
	infer: inferRotary,
	expand(context) {
		refuseAttributes(context, {is_packed_batching: [0], scale: [1]});
		const [, positions, cosine, sine] = context.inputNames as [string, string, string, string];
		const {shape} = context.input(1);
		if (shape.length > 2 || (shape.length === 1 && !equal(shape[0]!, 1))) {
			context.fail('position_ids has the wrong shape', {expected: '[1] or [batch, sequence]', found: describeShape(shape)});
		}

		const sequence = sequenceOf(context);
		const at = (table: string): string => rowsAt(context, table, positions, shape, sequence);
		expandRotary(context, [at(cosine), at(sine)], sizes(context, context.input(2).shape.at(-1)!));
	},
};

export const rotaryEmbedding: Op = {
	name: 'RotaryEmbedding',
	infer: inferRotary,
	expand(context) {
		const [, cosine, sine, positions] = context.inputNames as [string, string, string, string?];
		const geometry = sizes(context, context.input(1).shape.at(-1)!);
		if (!context.has(3)) {
			expandRotary(context, [cosine, sine], geometry);
			return;
		}

		const {shape} = context.input(3);
		const at = (table: string): string => rowsAt(context, table, positions!, shape, '');
		if (shape.length !== 2) {
			context.fail('position_ids has the wrong shape', {expected: '[batch, sequence]', found: describeShape(shape)});
		}

		expandRotary(context, [at(cosine), at(sine)], geometry);
	},
};
