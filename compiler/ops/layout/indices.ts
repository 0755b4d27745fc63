/** Indices as data: their types, their range, and the numbers that kernels take for them. */
import {isNumber, type Dim} from '../../graph/dim.js';
import type {ValueType} from '../../graph/graph.js';
import type {Tensor} from '../../graph/tensor.js';
import type {LowerContext} from '../../plan/lower-context.js';
import type {Reading} from './reading.js';

type Failing = Pick<Reading, 'fail'>;

export function requireIndices(ctx: Failing, {dtype}: ValueType, input: number): void {
	if (dtype !== 'int64' && dtype !== 'int32') {
		ctx.fail(`input ${input} cannot be used as indices`, {expected: 'int64 or int32', found: dtype});
	}
}

/** The kernels' flag for 64-bit indices. */
export const wide = (ctx: LowerContext, input: number): number => (ctx.input(input).dtype === 'int64' ? 1 : 0);

export const numbersOf = ({data}: Tensor): number[] => Array.from(data as ArrayLike<number | bigint>, Number);

/** An index counted from the front; an error where it is outside an axis of `limit`. */
export function resolveIndex(ctx: Failing, index: number, limit: number): number {
	const resolved = index < 0 ? index + limit : index;
	return resolved >= 0 && resolved < limit ? resolved : ctx.fail('an index is out of range', {expected: `${-limit} to ${limit - 1}`, found: String(index)});
}

/** Known elements, when all of them are numbers. */
export const numericValue = (value: readonly Dim[] | undefined): readonly number[] | undefined => (value?.every(isNumber) ? value : undefined);

/** For every position in a box `dims`, in order: its coordinates. The array is reused. */
export function eachIndex(dims: readonly number[], visit: (coordinates: readonly number[], position: number) => void): void {
	const at = dims.map(() => 0);
	const size = dims.reduce((a, b) => a * b, 1);
	for (let position = 0; position < size; position++) {
		visit(at, position);
		for (let axis = dims.length - 1; axis >= 0 && ++at[axis]! === dims[axis]; axis--) {
			at[axis] = 0;
		}
	}
}
