/**
 * Arithmetic of two tensors that broadcast. Integers wrap; their division truncates, and division by zero gives 0, so that no data
 * can stop a program. https://onnx.ai/onnx/operators/
 */
import {add, maximum, minimum, multiply, subtract, type Bounds, type Dim} from '../../graph/dim.js';
import type {DType} from '../../graph/dtype.js';
import {integer} from '../linear/attributes.js';
import {broadcastShapes} from '../broadcast.js';
import type {InferContext, Op} from '../op.js';
import {combine, type Pair} from './elements.js';
import {kernelType, numberTypes, suffixOf, wrappingSuffix} from './kernel-type.js';
import {callBinary} from './lowering.js';
import {both, divide, elementwise, remainder, type Known} from './symbolic.js';

/** The type of both inputs, or a failure that names the two. */
export function commonType(context: Pick<InferContext, 'input' | 'inputCount' | 'fail'>, first = 0): DType {
	const {dtype} = context.input(first);
	for (let index = first + 1; index < context.inputCount; index++) {
		const other = context.input(index).dtype;
		if (other !== dtype) {
			context.fail('inputs differ in type', {expected: dtype, found: `${other} (input ${index})`, hint: 'insert a Cast'});
		}
	}

	return dtype;
}

type Arithmetic = Pair & {
	readonly kernel: string;
	readonly symbolic?: (a: Dim, b: Dim, bounds: Bounds) => Known;
	readonly suffix: (dtype: DType) => string;
};

function arithmetic(name: string, {kernel, symbolic, suffix, ...pair}: Arithmetic): Op {
	return {
		name,
		infer(context) {
			const dtype = commonType(context);
			const shape = broadcastShapes(context, context.input(0).shape, context.input(1).shape);
			return [elementwise(context, {dtype, shape}, [0, 1], symbolic && both(symbolic))];
		},
		evaluate: context => [combine(context, context.input(0).dtype, context.input(0), context.input(1), pair)],
		lower(context) {
			const dtype = kernelType(context, numberTypes);
			callBinary(context, `binary_${kernel}_${suffix(dtype)}`, context.output(0), context.input(0), context.input(1));
		},
	};
}

export const maximumPair: Pair = {number: Math.max, big: (a, b) => (a > b ? a : b)};
export const minimumPair: Pair = {number: Math.min, big: (a, b) => (a < b ? a : b)};
export const sumPair: Pair = {number: (a, b) => a + b, big: (a, b) => a + b};

export const arithmeticOps: readonly Op[] = [
	arithmetic('Add', {...sumPair, kernel: 'add', symbolic: (a, b) => add(a, b), suffix: wrappingSuffix}),
	arithmetic('Sub', {number: (a, b) => a - b, big: (a, b) => a - b, kernel: 'sub', symbolic: (a, b) => subtract(a, b), suffix: wrappingSuffix}),
	arithmetic('Mul', {
		number: (a, b) => a * b,
		integer: Math.imul,
		big: (a, b) => a * b,
		kernel: 'mul',
		symbolic: (a, b) => multiply(a, b),
		suffix: wrappingSuffix,
	}),
	arithmetic('Div', {
		number: (a, b) => a / b,
		integer: (a, b) => (b === 0 ? 0 : Math.trunc(a / b)),
		big: (a, b) => (b === 0n ? 0n : a / b),
		kernel: 'div',
		symbolic: divide,
		suffix: suffixOf,
	}),
	arithmetic('PRelu', {number: (x, slope) => (x < 0 ? x * slope : x), big: (x, slope) => (x < 0n ? x * slope : x), kernel: 'prelu', suffix: suffixOf}),
];

const floorMod: Pair = {
	number: (a, b) => (Object.is(a % b, 0) || a % b < 0 === b < 0 ? a % b : (a % b) + b),
	integer: (a, b) => (b === 0 ? 0 : a - b * Math.floor(a / b)),
	big: (a, b) => (b === 0n ? 0n : ((a % b) + b) % b),
};

const truncatedMod: Pair = {number: (a, b) => a % b, integer: (a, b) => (b === 0 ? 0 : a % b), big: (a, b) => (b === 0n ? 0n : a % b)};

/** With `fmod` 1 the remainder has the sign of the dividend, else that of the divisor. */
export const mod: Op = {
	name: 'Mod',
	infer(context) {
		const dtype = commonType(context);
		const shape = broadcastShapes(context, context.input(0).shape, context.input(1).shape);
		const fmod = integer(context.attributes, 'fmod', 0) !== 0;
		return [
			elementwise(
				context,
				{dtype, shape},
				[0, 1],
				both((a, b, bounds) => remainder(a, b, bounds, fmod)),
			),
		];
	},
	evaluate(context) {
		const fmod = integer(context.attributes, 'fmod', 0) !== 0;
		return [combine(context, context.input(0).dtype, context.input(0), context.input(1), fmod ? truncatedMod : floorMod)];
	},
	lower(context) {
		const dtype = kernelType(context, numberTypes);
		const kernel = integer(context.attributes, 'fmod', 0) !== 0 ? 'fmod' : 'mod';
		callBinary(context, `binary_${kernel}_${suffixOf(dtype)}`, context.output(0), context.input(0), context.input(1));
	},
};

/** Rules of Max and Min, shared with the variadic ops. */
export const symbolicMaximum = (a: Dim, b: Dim, bounds: Bounds): Dim => maximum(a, b, bounds);
export const symbolicMinimum = (a: Dim, b: Dim, bounds: Bounds): Dim => minimum(a, b, bounds);
