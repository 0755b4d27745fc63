/** Short spellings of the nodes that expansions are made of. Each gives the name of the value that it makes. */
import {isNumber, keyOf, type Dim} from '../../graph/dim.js';
import {float32, int64} from '../../graph/tensor.js';
import type {ExpandContext} from '../op.js';

export const integersOf = (context: ExpandContext, values: readonly number[]): string => context.addConstant(int64([values.length], values));

export const numberOf = (context: ExpandContext, value: number): string => context.addConstant(float32([], [value]));

/** The given output names, or a fresh value where nobody asked for the output. */
export const outputOr = (context: ExpandContext, index: number): readonly string[] | number =>
	(context.outputNames[index] ?? '') === '' ? 1 : [context.outputNames[index]!];

export const wants = (context: ExpandContext, index: number): boolean => (context.outputNames[index] ?? '') !== '';

export const node = (
	context: ExpandContext,
	op: string,
	inputs: readonly string[],
	attributes: Parameters<ExpandContext['addNode']>[2] = {},
	outputs: readonly string[] | number = 1,
): string => context.addNode(op, inputs, attributes, outputs)[0]!;

/** 0 keeps an axis, −1 stands for the rest. */
export const reshape = (context: ExpandContext, x: string, dims: readonly number[], outputs: readonly string[] | number = 1): string =>
	node(context, 'Reshape', [x, integersOf(context, dims)], {}, outputs);

export const transpose = (context: ExpandContext, x: string, perm: readonly number[], outputs: readonly string[] | number = 1): string =>
	node(context, 'Transpose', [x], {perm}, outputs);

export const split = (context: ExpandContext, x: string, axis: number, sizes: readonly number[]): string[] =>
	context.addNode('Split', [x, integersOf(context, sizes)], {axis}, sizes.length);

/** Length of an axis as int64 [1]. */
export const lengthOf = (context: ExpandContext, x: string, axis: number): string => node(context, 'Shape', [x], {start: axis, end: axis + 1});

export const unsqueeze = (context: ExpandContext, x: string, axis: number, outputs: readonly string[] | number = 1): string =>
	node(context, 'Unsqueeze', [x, integersOf(context, [axis])], {}, outputs);

/** first, first + 1, … end − 1 as int64; both are int64 [1]. */
export function count(context: ExpandContext, first: string, end: string): string {
	const scalar = (value: string): string => node(context, 'Squeeze', [value, integersOf(context, [0])]);
	return node(context, 'Range', [scalar(first), scalar(end), context.addConstant(int64([], [1]))]);
}

/** 0, 1, … length − 1. */
export const countTo = (context: ExpandContext, length: string): string => count(context, integersOf(context, [0]), length);

/** Rows of a table that must stay as it is: a Gather of a matrix is an embedding, which a codec may encode. */
export const rows = (context: ExpandContext, table: string, indices: string): string => node(context, 'GatherND', [table, unsqueeze(context, indices, -1)]);

/** [batch, heads, sequence, width] as [batch, sequence, heads·width]. */
export const mergeHeads = (context: ExpandContext, x: string, total: number, outputs: readonly string[] | number = 1): string =>
	reshape(context, transpose(context, x, [0, 2, 1, 3]), [0, 0, total], outputs);

/** [batch, sequence, heads·width] as [batch, heads, sequence, width]. */
export const splitHeads = (context: ExpandContext, x: string, heads: number, width: number, outputs: readonly string[] | number = 1): string =>
	transpose(context, reshape(context, x, [0, 0, heads, width]), [0, 2, 1, 3], outputs);

/** A dimension that the expansion needs as a number. */
export function fixed(context: Pick<ExpandContext, 'fail'>, dim: Dim | undefined, what: string): number {
	return dim !== undefined && isNumber(dim)
		? dim
		: context.fail(`${what} must be known`, {
				expected: 'an integer',
				found: dim === undefined ? 'no such axis' : keyOf(dim),
				hint: 'fix its symbol with --dim',
			});
}

/** Refuses attributes and inputs that the expansion does not honour, each with the value that it would honour. */
export function refuseAttributes(context: Pick<ExpandContext, 'attributes' | 'fail'>, neutral: Readonly<Record<string, ReadonlyArray<number | string>>>): void {
	for (const [name, values] of Object.entries(neutral)) {
		const value = context.attributes[name];
		if (value !== undefined && !values.includes(value as number | string)) {
			context.fail(`attribute ${name} is not supported`, {expected: values.join(' or '), found: JSON.stringify(value)});
		}
	}
}

export function refuseInputs(context: Pick<ExpandContext, 'has' | 'fail'>, inputs: Readonly<Record<string, number>>): void {
	for (const [name, index] of Object.entries(inputs)) {
		if (context.has(index)) {
			context.fail(`input ${index} (${name}) is not supported`, {hint: 'export the model without it'});
		}
	}
}
