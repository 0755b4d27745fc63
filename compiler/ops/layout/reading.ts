/**
 * How the ops of this folder read a node: attributes, axes, and inputs that must be known when the model is compiled.
 *
 * `Reading` is what inference, evaluation and lowering have in common, so that one description of an op serves all three.
 */
import {ceilDivide, divideExactly, evaluate, isNumber, lessOrEqual, type Dim} from '../../graph/dim.js';
import {isFloat} from '../../graph/dtype.js';
import type {ValueType} from '../../graph/graph.js';
import type {Tensor} from '../../graph/tensor.js';
import type {EvaluateContext, InferContext} from '../op.js';

export type Reading = Pick<InferContext, 'attributes' | 'bounds' | 'inputCount' | 'outputCount' | 'has' | 'value' | 'constant' | 'fail'> & {
	input(index: number): ValueType;
};

/** Longest list of elements that is followed as dimensions. */
export const KNOWN_LENGTH = 65_536;

/** The same view of a node whose inputs are all at hand. */
export function readTensors(ctx: EvaluateContext): Reading {
	return {
		attributes: ctx.attributes,
		bounds: {},
		inputCount: ctx.inputs.length,
		outputCount: ctx.outputCount,
		has: index => ctx.inputs[index] !== undefined,
		input(index) {
			const {dtype, dims} = ctx.input(index);
			return {dtype, shape: dims};
		},
		value: index => integersOf(ctx.inputs[index]),
		constant: index => ctx.inputs[index],
		fail: ctx.fail,
	};
}

function integersOf(tensor: Tensor | undefined): readonly number[] | undefined {
	return tensor === undefined || isFloat(tensor.dtype) ? undefined : Array.from(tensor.data as ArrayLike<number | bigint>, Number);
}

export function integerAttribute<T extends number | undefined>(ctx: Pick<Reading, 'attributes' | 'fail'>, name: string, fallback: T): number | T {
	const value = ctx.attributes[name];
	return value === undefined || typeof value === 'number'
		? (value ?? fallback)
		: ctx.fail(`attribute '${name}' has the wrong type`, {expected: 'a number', found: typeof value});
}

export function stringAttribute(ctx: Pick<Reading, 'attributes' | 'fail'>, name: string, choices: readonly string[]): string {
	const value = ctx.attributes[name] ?? choices[0]!;
	return typeof value === 'string' && choices.includes(value)
		? value
		: ctx.fail(`attribute '${name}' is not known`, {expected: choices.join(', '), found: typeof value === 'string' ? value : typeof value});
}

export function numbersAttribute(ctx: Pick<Reading, 'attributes' | 'fail'>, name: string): readonly number[] | undefined {
	const value = ctx.attributes[name];
	if (value === undefined) {
		return undefined;
	}

	return Array.isArray(value) && value.every(item => typeof item === 'number')
		? value
		: ctx.fail(`attribute '${name}' has the wrong type`, {expected: 'a list of numbers'});
}

/** An axis counted from the front; `rank` itself is allowed where `end` is set. */
export function resolveAxis(ctx: Pick<Reading, 'fail'>, axis: number, rank: number, end = false): number {
	const resolved = axis < 0 ? axis + rank : axis;
	return Number.isInteger(resolved) && resolved >= 0 && (resolved < rank || (end && resolved === rank))
		? resolved
		: ctx.fail(`axis ${axis} is out of range`, {expected: `${-rank} to ${end ? rank : rank - 1}`, found: String(axis)});
}

/** Distinct axes of a tensor of this rank. */
export function resolveAxes(ctx: Pick<Reading, 'fail'>, axes: readonly number[], rank: number): readonly number[] {
	const resolved = axes.map(axis => resolveAxis(ctx, axis, rank));
	return new Set(resolved).size === resolved.length ? resolved : ctx.fail('an axis is named twice', {expected: 'distinct axes', found: axes.join(', ')});
}

/** The elements of an input on which the output's shape rests. */
export function shapeInput(ctx: Reading, index: number, what: string): readonly Dim[] {
	ctx.input(index);
	return (
		ctx.value(index) ??
		ctx.fail("the output's shape depends on data", {
			expected: `${what} (input ${index}) as a constant or computed from shapes`,
			found: 'a value that is only known when the model runs',
			hint: 'export the model so that this input is fixed',
		})
	);
}

/** The same, where symbols are of no use: axes, modes, counts of outputs. */
export function numericInput(ctx: Reading, index: number, what: string): readonly number[] {
	return shapeInput(ctx, index, what).map(dim => (isNumber(dim) ? dim : ctx.fail(`${what} must be numbers`, {expected: 'integers', found: dim.key})));
}

/** A list in an attribute of old opsets or an input of new ones. */
export const optionalNumbers = (ctx: Reading, index: number, what: string): readonly number[] | undefined =>
	ctx.has(index) ? numericInput(ctx, index, what) : undefined;

/** The quotient rounded up; exact polynomial quotients stay polynomials. */
export const divideUp = (a: Dim, b: number): Dim => divideExactly(a, b) ?? ceilDivide(a, b);

/** Dimensions that hold no symbol, as numbers. */
export const concrete = (dims: readonly Dim[]): number[] => dims.map(dim => evaluate(dim, {}));

/** Whether a dimension may be less than 0: false, true, or undefined where it depends on the symbols. */
export const isNegative = (dim: Dim, ctx: Pick<Reading, 'bounds'>): boolean | undefined =>
	isNumber(dim) ? dim < 0 : lessOrEqual(0, dim, ctx.bounds) ? false : lessOrEqual(dim, -1, ctx.bounds) ? true : undefined;
