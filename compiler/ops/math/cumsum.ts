/** Running sums along an axis, which is an input. https://onnx.ai/onnx/operators/onnx__CumSum.html */
import {add, isNumber, type Dim} from '../../graph/dim.js';
import {allocate, isFloat} from '../../graph/dtype.js';
import {fromNumbers, toNumbers} from '../linear/numbers.js';
import {flag} from '../linear/attributes.js';
import {knownDims, normaliseAxis, splitAt} from '../broadcast.js';
import type {InferContext, Op} from '../op.js';
import {isBig, type Big} from './elements.js';
import {kernelType, wrappingSuffix} from './kernel-type.js';
import {inferred} from './symbolic.js';

function axisOf(context: Pick<InferContext, 'value' | 'fail'>, rank: number): number {
	const axis = context.value(1)?.[0];
	return axis !== undefined && isNumber(axis)
		? normaliseAxis(context, axis, rank)
		: context.fail('the axis is not known', {
				expected: 'an axis as a constant',
				found: 'a value computed at run time',
				hint: 'export the model with a fixed axis',
			});
}

/** Visits the elements in the order in which they are summed, row by row; writes the sums in the elements' places. */
function accumulate<T>(
	elements: ArrayLike<T>,
	dims: readonly number[],
	axis: number,
	options: {exclusive: boolean; reverse: boolean},
	zero: T,
	plus: (a: T, b: T) => T,
	write: (at: number, sum: T) => void,
): void {
	const {outer, length, inner} = splitAt(dims, axis) as {outer: number; length: number; inner: number};
	for (let row = 0; row < outer * inner; row++) {
		const start = Math.floor(row / inner) * length * inner + (row % inner);
		let sum = zero;
		for (let k = 0; k < length; k++) {
			const at = start + (options.reverse ? length - 1 - k : k) * inner;
			const next = plus(sum, elements[at]!);
			write(at, options.exclusive ? sum : next);
			sum = next;
		}
	}
}

const optionsOf = ({attributes}: Pick<InferContext, 'attributes'>): {exclusive: boolean; reverse: boolean} => ({
	exclusive: flag(attributes, 'exclusive'),
	reverse: flag(attributes, 'reverse'),
});

export const cumSum: Op = {
	name: 'CumSum',
	infer(context) {
		const {dtype, shape} = context.input(0);
		const axis = axisOf(context, shape.length);
		const value = context.value(0);
		const dims = knownDims(shape);
		if (!value || !dims || isFloat(dtype)) {
			return [{dtype, shape}];
		}

		const sums = new Array<Dim>(value.length);
		accumulate<Dim>(
			value,
			dims,
			axis,
			optionsOf(context),
			0,
			(a, b) => add(a, b),
			(at, sum) => {
				sums[at] = sum;
			},
		);
		return [inferred({dtype, shape}, sums)];
	},
	evaluate(context) {
		const x = context.input(0);
		const axis = normaliseAxis(context, toNumbers(context.input(1))[0]!, x.dims.length);
		if (isBig(x.dtype)) {
			const data = allocate(x.dtype, x.data.length) as Big;
			accumulate(
				x.data as Big,
				x.dims,
				axis,
				optionsOf(context),
				0n,
				(a, b) => a + b,
				(at, sum) => {
					data[at] = sum;
				},
			);
			return [{...x, data}];
		}

		const sums = new Float64Array(x.data.length);
		accumulate<number>(
			toNumbers(x),
			x.dims,
			axis,
			optionsOf(context),
			0,
			(a, b) => a + b,
			(at, sum) => {
				sums[at] = sum;
			},
		);
		return [fromNumbers(x.dtype, x.dims, sums)];
	},
	lower(context) {
		const x = context.input(0);
		const dtype = kernelType(context, ['float32', 'float64', 'int32', 'uint32', 'int64', 'uint64']);
		const {exclusive, reverse} = optionsOf(context);
		context.call(`cumsum_${wrappingSuffix(dtype)}`, {
			y: context.output(0),
			x,
			...splitAt(x.shape, axisOf(context, x.shape.length)),
			exclusive: Number(exclusive),
			reverse: Number(reverse),
		});
	},
};
