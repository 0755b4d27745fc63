/**
 * Integer arithmetic on elements that are known at compile time as expressions of the shapes' symbols. A result that cannot be decided
 * or held is undefined; one such element makes the tensor's value unknown.
 */
import {add, divideExactly, equal, floorDivide, isNumber, lessOrEqual, modulo, range, subtract, type Bounds, type Dim} from '../../graph/dim.js';
import {bytesOf, isFloat, type DType} from '../../graph/dtype.js';
import type {ValueType} from '../../graph/graph.js';
import {sizeOf} from '../../graph/tensor.js';
import {broadcastIndices, knownDims} from '../broadcast.js';
import type {InferContext, Inferred} from '../op.js';

export type Known = Dim | undefined;

/** Longest tensor that is followed as expressions. */
export const KNOWN_LENGTH = 65_536;

/** The type with the elements, where they are all known and the type holds them: one that wraps is left to evaluation. */
export const inferred = (type: ValueType, value?: readonly Known[]): Inferred =>
	value === undefined || value.some(element => element === undefined || !holds(type.dtype, element)) ? type : {...type, value: value as readonly Dim[]};

/** INT64_MAX, which as a double is 2⁶³, is let through: it stands for "to the end". */
export function holds(dtype: DType, element: Dim): boolean {
	const bits = 8 * bytesOf(dtype);
	const signed = !(dtype === 'bool' || dtype.startsWith('uint'));
	const [low, high] = signed ? [-(2 ** (bits - 1)), 2 ** (bits - 1)] : [0, 2 ** bits];
	return !isNumber(element) || (element >= low && (element < high || bits === 64));
}

/** The output of an element-wise op over the inputs `indices`, with its elements by `rule` where the inputs' are known. */
export function elementwise(
	context: InferContext,
	type: ValueType,
	indices: readonly number[],
	rule: ((elements: readonly Known[], bounds: Bounds) => Known) | undefined,
): Inferred {
	const dims = knownDims(type.shape);
	if (!rule || !dims || isFloat(type.dtype) || sizeOf(dims) > KNOWN_LENGTH) {
		return type;
	}

	const values = indices.map(index => context.value(index));
	if (values.every(value => value === undefined)) {
		return type;
	}

	const reads = indices.map(index => broadcastIndices(context.input(index).shape as readonly number[], dims));
	const elements = Array.from({length: sizeOf(dims)}, (_, i) =>
		rule(
			values.map((value, input) => value?.[reads[input]![i]!]),
			context.bounds,
		),
	);
	return inferred(type, elements);
}

/** A rule for two elements that must both be known; results beyond 2⁵³ are given up. */
export const both =
	(rule: (a: Dim, b: Dim, bounds: Bounds) => Known) =>
	([a, b]: readonly Known[], bounds: Bounds): Known =>
		a === undefined || b === undefined ? undefined : exact(rule(a, b, bounds));

export const one =
	(rule: (a: Dim, bounds: Bounds) => Known) =>
	([a]: readonly Known[], bounds: Bounds): Known =>
		a === undefined ? undefined : exact(rule(a, bounds));

const exact = (value: Known): Known => (value !== undefined && isNumber(value) && !Number.isSafeInteger(value) ? undefined : value);

const truth = (value: boolean | undefined): Known => (value === undefined ? undefined : Number(value));

/** Truncating division, as integers divide in ONNX. */
export function divide(a: Dim, b: Dim, bounds: Bounds): Known {
	if (isNumber(a) && isNumber(b)) {
		return b === 0 ? 0 : Math.trunc(a / b) + 0;
	}

	const natural = lessOrEqual(0, a, bounds) === true && lessOrEqual(1, b, bounds) === true;
	return natural ? floorDivide(a, b) : isNumber(b) && b !== 0 ? divideExactly(a, b) : undefined;
}

/** The remainder with the sign of the divisor (`fmod` 0) or of the dividend (`fmod` 1). */
export function remainder(a: Dim, b: Dim, bounds: Bounds, fmod: boolean): Known {
	if (isNumber(a) && isNumber(b)) {
		return b === 0 ? 0 : fmod ? (a % b) + 0 : modulo(a, b);
	}

	const positive = lessOrEqual(1, b, bounds) === true;
	return positive && (!fmod || lessOrEqual(0, a, bounds) === true) ? modulo(a, b) : undefined;
}

export function isEqual(a: Dim, b: Dim, bounds: Bounds): Known {
	if (equal(a, b)) {
		return 1;
	}

	const {min, max} = range(subtract(a, b), bounds);
	return min > 0 || max < 0 ? 0 : undefined;
}

export function isLess(a: Dim, b: Dim, bounds: Bounds): Known {
	const reversed = lessOrEqual(b, a, bounds);
	return reversed === undefined ? undefined : truth(!reversed);
}

export const isLessOrEqual = (a: Dim, b: Dim, bounds: Bounds): Known => truth(lessOrEqual(a, b, bounds));

/** Whether an element is non-zero. */
export function isTrue(a: Dim, bounds: Bounds): Known {
	const zero = isEqual(a, 0, bounds);
	return zero === undefined ? undefined : 1 - (zero as number);
}

export const and = ([a, b]: readonly Known[]): Known => (a === 0 || b === 0 ? 0 : a === 1 && b === 1 ? 1 : undefined);

export const or = ([a, b]: readonly Known[]): Known => (a === 1 || b === 1 ? 1 : a === 0 && b === 0 ? 0 : undefined);

export const sum = (values: readonly Known[]): Known => (values.every(value => value !== undefined) ? exact(add(...values)) : undefined);
