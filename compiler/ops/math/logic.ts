/** Comparisons, logic of bools, and bit operations of tensors that broadcast. https://onnx.ai/onnx/operators/ */
import type {Bounds, Dim} from '../../graph/dim.js';
import type {DType} from '../../graph/dtype.js';
import {text} from '../linear/attributes.js';
import {broadcastShapes} from '../broadcast.js';
import type {Op} from '../op.js';
import {commonType} from './binary.js';
import {combine, isBig, mapBig, mapNumbers, type Pair} from './elements.js';
import {bitsSuffix, integerTypes, kernelType, numberTypes, suffixOf, unsignedTypes, wrappingSuffix} from './kernel-type.js';
import {callBinary, callUnary} from './lowering.js';
import {and, both, elementwise, isEqual, isLess, isLessOrEqual, one, or, type Known} from './symbolic.js';

type Comparison = {
	readonly holds: (a: number | bigint, b: number | bigint) => boolean;
	readonly symbolic: (a: Dim, b: Dim, bounds: Bounds) => Known;
	readonly kernel: string;
	/** Whether the kernel takes the operands in reverse: a > b is b < a. */
	readonly swap?: boolean;
	readonly suffix?: (dtype: DType) => string;
};

const comparison = (name: string, {holds, symbolic, kernel, swap = false, suffix = suffixOf}: Comparison): Op => ({
	name,
	infer(context) {
		commonType(context);
		const shape = broadcastShapes(context, context.input(0).shape, context.input(1).shape);
		return [elementwise(context, {dtype: 'bool', shape}, [0, 1], both(symbolic))];
	},
	evaluate(context) {
		const pair: Pair = {number: (a, b) => Number(holds(a, b)), big: (a, b) => Number(holds(a, b))};
		return [combine(context, 'bool', context.input(0), context.input(1), pair)];
	},
	lower(context) {
		const dtype = kernelType(context, [...numberTypes, 'bool']);
		const [a, b] = swap ? [1, 0] : [0, 1];
		callBinary(context, `binary_${kernel}_${suffix(dtype)}`, context.output(0), context.input(a), context.input(b));
	},
});

const logical = (
	name: string,
	number: (a: number, b: number) => number,
	kernel: string,
	symbolic: (elements: readonly Known[], bounds: Bounds) => Known,
): Op => ({
	name,
	infer(context) {
		const dtype = commonType(context);
		const shape = broadcastShapes(context, context.input(0).shape, context.input(1).shape);
		return dtype === 'bool'
			? [elementwise(context, {dtype, shape}, [0, 1], symbolic)]
			: context.fail('the inputs have a wrong type', {expected: 'bool', found: dtype});
	},
	evaluate: context => [combine(context, 'bool', context.input(0), context.input(1), {number})],
	lower(context) {
		kernelType(context, ['bool']);
		callBinary(context, `binary_${kernel}_u8`, context.output(0), context.input(0), context.input(1));
	},
});

const bitwise = (name: string, pair: Pair, kernel: string): Op => ({
	name,
	infer: context => [{dtype: commonType(context), shape: broadcastShapes(context, context.input(0).shape, context.input(1).shape)}],
	evaluate: context => [combine(context, context.input(0).dtype, context.input(0), context.input(1), pair)],
	lower(context) {
		const dtype = kernelType(context, integerTypes);
		callBinary(context, `binary_${kernel}_${bitsSuffix(dtype)}`, context.output(0), context.input(0), context.input(1));
	},
});

export const logicOps: readonly Op[] = [
	comparison('Equal', {holds: (a, b) => a === b, symbolic: isEqual, kernel: 'equal', suffix: wrappingSuffix}),
	comparison('Less', {holds: (a, b) => a < b, symbolic: isLess, kernel: 'less'}),
	comparison('LessOrEqual', {holds: (a, b) => a <= b, symbolic: isLessOrEqual, kernel: 'less_or_equal'}),
	comparison('Greater', {holds: (a, b) => a > b, symbolic: (a, b, bounds) => isLess(b, a, bounds), kernel: 'less', swap: true}),
	comparison('GreaterOrEqual', {holds: (a, b) => a >= b, symbolic: (a, b, bounds) => isLessOrEqual(b, a, bounds), kernel: 'less_or_equal', swap: true}),
	logical('And', (a, b) => Number(a !== 0 && b !== 0), 'and', and),
	logical('Or', (a, b) => Number(a !== 0 || b !== 0), 'or', or),
	logical(
		'Xor',
		(a, b) => Number((a !== 0) !== (b !== 0)),
		'xor',
		both((a, b, bounds) => {
			const same = isEqual(a, b, bounds);
			return same === undefined ? undefined : 1 - (same as number);
		}),
	),
	bitwise('BitwiseAnd', {number: (a, b) => a & b, big: (a, b) => a & b}, 'bitwise_and'),
	bitwise('BitwiseOr', {number: (a, b) => a | b, big: (a, b) => a | b}, 'bitwise_or'),
	bitwise('BitwiseXor', {number: (a, b) => a ^ b, big: (a, b) => a ^ b}, 'bitwise_xor'),
];

/** Shifts of unsigned integers; the attribute `direction` is LEFT or RIGHT. */
export const bitShift: Op = {
	name: 'BitShift',
	infer: context => [{dtype: commonType(context), shape: broadcastShapes(context, context.input(0).shape, context.input(1).shape)}],
	evaluate(context) {
		const left = text(context.attributes, 'direction', '') === 'LEFT';
		const pair: Pair = left
			? {number: (a, b) => (a * 2 ** b) % 2 ** 32, big: (a, b) => a << b}
			: {number: (a, b) => Math.floor(a / 2 ** b), big: (a, b) => a >> b};
		return [combine(context, context.input(0).dtype, context.input(0), context.input(1), pair)];
	},
	lower(context) {
		const dtype = kernelType(context, unsignedTypes);
		const direction = text(context.attributes, 'direction', '') === 'LEFT' ? 'left' : 'right';
		callBinary(context, `binary_shift_${direction}_${suffixOf(dtype)}`, context.output(0), context.input(0), context.input(1));
	},
};

export const not: Op = {
	name: 'Not',
	infer(context) {
		const {dtype, shape} = context.input(0);
		return dtype === 'bool'
			? [
					elementwise(
						context,
						{dtype, shape},
						[0],
						one((x, bounds) => isEqual(x, 0, bounds)),
					),
				]
			: context.fail('the input has a wrong type', {expected: 'bool', found: dtype});
	},
	evaluate: context => [mapNumbers('bool', context.input(0), x => Number(x === 0))],
	lower(context) {
		kernelType(context, ['bool']);
		callUnary(context, 'unary_not_u8', context.output(0), context.input(0));
	},
};

export const bitwiseNot: Op = {
	name: 'BitwiseNot',
	infer: context => [{dtype: context.input(0).dtype, shape: context.input(0).shape}],
	evaluate(context) {
		const x = context.input(0);
		return [isBig(x.dtype) ? mapBig(x, value => ~value) : mapNumbers(x.dtype, x, value => ~value)];
	},
	lower(context) {
		const dtype = kernelType(context, integerTypes);
		callUnary(context, `unary_bitwise_not_${bitsSuffix(dtype)}`, context.output(0), context.input(0));
	},
};
