/**
 * Functions of one tensor, element by element, without parameters. A row is the function in doubles, and for ops on integers the same
 * on BigInt and on dimensions. https://onnx.ai/onnx/operators/
 */
import {lessOrEqual, negate, type Bounds, type Dim} from '../../graph/dim.js';
import {isFloat, type DType} from '../../graph/dtype.js';
import {roundHalfEven} from '../../graph/half.js';
import type {Op} from '../op.js';
import {isBig, mapBig, mapNumbers} from './elements.js';
import {kernelType, signedTypes, suffixOf, unsignedTypes} from './kernel-type.js';
import {callUnary} from './lowering.js';
import {erf, sigmoid, softplus} from './special.js';
import {elementwise, isLess, one, type Known} from './symbolic.js';

type Unary = {
	readonly number: (x: number) => number;
	readonly big?: (x: bigint) => bigint;
	readonly symbolic?: (x: Dim, bounds: Bounds) => Known;
	readonly kernel: string;
	/** Types with a kernel, beside float32. */
	readonly types?: readonly DType[];
	/** Types that the op leaves as they are. */
	readonly unchanged?: readonly DType[];
};

function unary(name: string, {number, big, symbolic, kernel, types = [], unchanged = []}: Unary): Op {
	return {
		name,
		infer(context) {
			const {dtype, shape} = context.input(0);
			if (!big && !isFloat(dtype)) {
				context.fail('the input has a wrong type', {expected: 'a float type', found: dtype});
			}

			return [elementwise(context, {dtype, shape}, [0], symbolic && one(symbolic))];
		},
		evaluate(context) {
			const x = context.input(0);
			return [big && isBig(x.dtype) ? mapBig(x, big) : mapNumbers(x.dtype, x, number)];
		},
		lower(context) {
			if (unchanged.includes(context.input(0).dtype)) {
				context.alias(0, 0);
				return;
			}

			const dtype = kernelType(context, ['float32', ...types]);
			callUnary(context, `unary_${kernel}_${suffixOf(dtype)}`, context.output(0), context.input(0));
		},
	};
}

function absolute(x: Dim, bounds: Bounds): Known {
	return lessOrEqual(0, x, bounds) ? x : lessOrEqual(x, 0, bounds) ? negate(x) : undefined;
}

function signOf(x: Dim, bounds: Bounds): Known {
	return isLess(0, x, bounds) === 1 ? 1 : isLess(x, 0, bounds) === 1 ? -1 : x === 0 ? 0 : undefined;
}

const nonNegative = (x: Dim, bounds: Bounds): Known => (lessOrEqual(0, x, bounds) ? x : lessOrEqual(x, 0, bounds) ? 0 : undefined);

/** max(x, 0) that keeps NaN, and −0 becomes 0. */
const relu = (x: number): number => (x > 0 || Number.isNaN(x) ? x : 0);

export const unaryOps: readonly Op[] = [
	unary('Abs', {
		number: Math.abs,
		big: x => (x < 0n ? -x : x),
		symbolic: absolute,
		kernel: 'abs',
		types: [...signedTypes, 'float64'],
		unchanged: unsignedTypes,
	}),
	unary('Sign', {
		number: Math.sign,
		big: x => (x > 0n ? 1n : x < 0n ? -1n : 0n),
		symbolic: signOf,
		kernel: 'sign',
		types: [...signedTypes, ...unsignedTypes, 'float64'],
	}),
	unary('Relu', {
		number: relu,
		big: x => (x > 0n ? x : 0n),
		symbolic: nonNegative,
		kernel: 'relu',
		types: [...signedTypes, 'float64'],
		unchanged: unsignedTypes,
	}),
	unary('Sqrt', {number: Math.sqrt, kernel: 'sqrt', types: ['float64']}),
	unary('Reciprocal', {number: x => 1 / x, kernel: 'reciprocal', types: ['float64']}),
	unary('Floor', {number: Math.floor, kernel: 'floor', types: ['float64']}),
	unary('Ceil', {number: Math.ceil, kernel: 'ceil', types: ['float64']}),
	unary('Round', {number: roundHalfEven, kernel: 'round', types: ['float64']}),
	unary('Exp', {number: Math.exp, kernel: 'exp'}),
	unary('Log', {number: Math.log, kernel: 'log'}),
	unary('Sin', {number: Math.sin, kernel: 'sin'}),
	unary('Cos', {number: Math.cos, kernel: 'cos'}),
	unary('Tan', {number: Math.tan, kernel: 'tan'}),
	unary('Asin', {number: Math.asin, kernel: 'asin'}),
	unary('Acos', {number: Math.acos, kernel: 'acos'}),
	unary('Atan', {number: Math.atan, kernel: 'atan'}),
	unary('Sinh', {number: Math.sinh, kernel: 'sinh'}),
	unary('Cosh', {number: Math.cosh, kernel: 'cosh'}),
	unary('Tanh', {number: Math.tanh, kernel: 'tanh'}),
	unary('Asinh', {number: Math.asinh, kernel: 'asinh'}),
	unary('Acosh', {number: Math.acosh, kernel: 'acosh'}),
	unary('Atanh', {number: Math.atanh, kernel: 'atanh'}),
	unary('Erf', {number: erf, kernel: 'erf'}),
	unary('Sigmoid', {number: sigmoid, kernel: 'sigmoid'}),
	unary('Softplus', {number: softplus, kernel: 'softplus'}),
	unary('Softsign', {number: x => x / (1 + Math.abs(x)), kernel: 'softsign'}),
	unary('Mish', {number: x => x * Math.tanh(softplus(x)), kernel: 'mish'}),
	unary('HardSwish', {number: x => x * Math.max(0, Math.min(1, x / 6 + 0.5)), kernel: 'hard_swish'}),
];

/** −x. Integers wrap, so one kernel serves both signs. */
export const neg: Op = {
	...unary('Neg', {number: x => -x, big: x => -x, symbolic: x => negate(x), kernel: 'neg'}),
	lower(context) {
		const dtype = kernelType(context, ['float32', 'float64', ...signedTypes]);
		callUnary(context, `unary_neg_${isFloat(dtype) ? suffixOf(dtype) : suffixOf(dtype).replace('i', 'u')}`, context.output(0), context.input(0));
	},
};
