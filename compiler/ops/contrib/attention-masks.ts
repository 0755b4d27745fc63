/**
 * The masks of the attention ops as the padding and the bias of `snug.Attention`. A masked key gets no weight at all, where ONNX Runtime
 * adds mask_filter_value (−10,000) to its score: the same, unless every key of a row is masked.
 */
import type {Dim} from '../../graph/dim.js';
import {equal} from '../../graph/dim.js';
import type {ValueType} from '../../graph/graph.js';
import {float32, int64} from '../../graph/tensor.js';
import {describeShape} from '../broadcast.js';
import type {ExpandContext} from '../op.js';
import {countTo, integersOf, node, unsqueeze} from './steps.js';

export type Masks = {readonly padding: string; readonly bias: string};

/** A mask of zeros and others, of any type, as 0 where it attends and −∞ elsewhere. */
export function biasOfMask(context: ExpandContext, mask: string, dtype: string): string {
	const attends = dtype === 'bool' ? mask : node(context, 'Cast', [mask], {to: 9});
	return node(context, 'Where', [attends, context.addConstant(float32([], [0])), context.addConstant(float32([], [-Infinity]))]);
}

/** [batch, length]: true for the first `lengths[b]` keys. */
export function paddingOfLengths(context: ExpandContext, lengths: string, total: string): string {
	const counts = unsqueeze(context, node(context, 'Cast', [lengths], {to: 7}), 1);
	return node(context, 'Less', [unsqueeze(context, countTo(context, total), 0), counts]);
}

/**
 * The mask of com.microsoft ops: [batch, keys], [batch, queries, keys], or the number of keys [batch] (followed, in 2·batch elements, by
 * the first keys).
 * @param total The number of keys, as int64 [1].
 */
export function contribMask(context: ExpandContext, index: number, batch: Dim, total: string): Masks {
	const name = context.inputNames[index] ?? '';
	if (name === '') {
		return {padding: '', bias: ''};
	}

	const {dtype, shape} = context.input(index) satisfies ValueType;
	if (shape.length === 2) {
		return {padding: name, bias: ''};
	}

	if (shape.length === 3) {
		return {padding: '', bias: unsqueeze(context, biasOfMask(context, name, dtype), 1)};
	}

	if (shape.length === 1 && equal(shape[0]!, batch)) {
		return {padding: paddingOfLengths(context, name, total), bias: ''};
	}

	if (shape.length === 1 && typeof batch === 'number' && shape[0] === 2 * batch) {
		const [ends, starts] = context.addNode('Split', [name, integersOf(context, [batch, batch])], {axis: 0}, 2) as [string, string];
		const before = paddingOfLengths(context, starts, total);
		return {padding: node(context, 'And', [paddingOfLengths(context, ends, total), node(context, 'Not', [before])]), bias: ''};
	}

	return context.fail(`input ${index} (the mask) has a form that is not supported`, {
		expected: '[batch, keys], [batch, queries, keys] or [batch]',
		found: describeShape(shape),
	});
}

/** A value that broadcasts to [batch, heads, queries, keys], given four axes. */
export function fourAxes(context: ExpandContext, name: string, rank: number): string {
	return rank >= 4
		? name
		: node(context, 'Unsqueeze', [
				name,
				context.addConstant(
					int64(
						[4 - rank],
						Array.from({length: 4 - rank}, (_, axis) => axis),
					),
				),
			]);
}

/** The sum of two biases where both are there. */
export const addBias = (context: ExpandContext, a: string, b: string): string => (a === '' ? b : b === '' ? a : node(context, 'Add', [a, b]));
