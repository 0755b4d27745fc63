/**
 * Reductions over any axes, given as an input since opset 13 (ReduceSum) and 18 (the others). No axes mean all of them, or
 * none where `noop_with_empty_axes` is set. https://onnx.ai/onnx/operators/
 */
import {maximum, minimum, multiply, isNumber, type Bounds, type Dim} from '../../graph/dim.js';
import {allocate, isFloat, type DType} from '../../graph/dtype.js';
import {int64, sizeOf, stridesOf, type Tensor} from '../../graph/tensor.js';
import {fromNumbers, toNumbers} from '../linear/numbers.js';
import {integer, integers} from '../linear/attributes.js';
import {resolveAxes} from '../layout/reading.js';
import {knownDims, mergeLoops, stridedIndices} from '../broadcast.js';
import type {InferContext, Inferred, Op} from '../op.js';
import {isBig, type Big} from './elements.js';
import {integerTypes, kernelType, suffixOf} from './kernel-type.js';
import {inferred, sum, type Known} from './symbolic.js';
import {rowMajor} from '../../graph/shape.js';

type Reduction = {
	/** Of the elements of one box, in doubles. */
	readonly number: (values: Float64Array) => number;
	/** The same exactly, for 64-bit integers; without it they are computed in doubles. */
	readonly big?: (a: bigint, b: bigint) => bigint;
	readonly start?: bigint;
	readonly symbolic?: (values: readonly Dim[], bounds: Bounds) => Known;
	readonly kernel: string;
	readonly types: readonly DType[];
};

type Reading = Pick<InferContext, 'attributes' | 'fail'>;

const keepsDims = ({attributes}: Reading): boolean => integer(attributes, 'keepdims', 1) !== 0;

/** The axes from the front. Over an empty set of axes every element is a box of its own. */
function axesOf(context: Reading, given: readonly number[] | undefined, rank: number): readonly number[] {
	if (given === undefined || given.length === 0) {
		return integer(context.attributes, 'noop_with_empty_axes', 0) === 0 ? Array.from({length: rank}, (_, axis) => axis) : [];
	}

	return resolveAxes(context, given, rank);
}

function givenAxes(context: Pick<InferContext, 'has' | 'value' | 'fail'>): readonly number[] | undefined {
	if (!context.has(1)) {
		return undefined;
	}

	const axes = context.value(1);
	return axes?.every(isNumber)
		? axes
		: context.fail('the axes are not known', {expected: 'axes as a constant', found: 'a value computed at run time', hint: 'export the model with fixed axes'});
}

const without = <T>(list: readonly T[], axes: readonly number[]): T[] => list.filter((_, axis) => !axes.includes(axis));
const only = <T>(list: readonly T[], axes: readonly number[]): T[] => list.filter((_, axis) => axes.includes(axis));

const reducedShape = <T>(shape: readonly T[], axes: readonly number[], keep: boolean): Array<T | 1> =>
	keep ? shape.map((dim, axis) => (axes.includes(axis) ? 1 : dim)) : without(shape, axes);

/** Calls back with the indices of every box, in the order of the outputs. */
function boxes(dims: readonly number[], axes: readonly number[]): {starts: Uint32Array; offsets: Uint32Array} {
	const strides = stridesOf(dims);
	return {starts: stridedIndices(without(dims, axes), without(strides, axes)), offsets: stridedIndices(only(dims, axes), only(strides, axes))};
}

function reduce(x: Tensor, axes: readonly number[], keep: boolean, {number, big, start = 0n}: Reduction): Tensor {
	const {starts, offsets} = boxes(x.dims, axes);
	const dims = reducedShape(x.dims, axes, keep);
	if (isBig(x.dtype) && big) {
		const data = allocate(x.dtype, sizeOf(dims)) as Big;
		const source = x.data as Big;
		for (let i = 0; i < data.length; i++) {
			let total = offsets.length === 0 ? start : source[starts[i]! + offsets[0]!]!;
			for (let k = 1; k < offsets.length; k++) {
				total = big(total, source[starts[i]! + offsets[k]!]!);
			}

			data[i] = total;
		}

		return {dtype: x.dtype, dims, data};
	}

	const numbers = toNumbers(x);
	const box = new Float64Array(offsets.length);
	const values = new Float64Array(sizeOf(dims));
	for (let i = 0; i < values.length; i++) {
		for (let k = 0; k < box.length; k++) {
			box[k] = numbers[starts[i]! + offsets[k]!]!;
		}

		values[i] = number(box);
	}

	return fromNumbers(x.dtype, dims, isFloat(x.dtype) ? values : values.map(Math.trunc));
}

/** The known elements of the result, where those of the input are. */
function symbolicValue(context: InferContext, axes: readonly number[], rule: Reduction['symbolic']): readonly Known[] | undefined {
	const value = context.value(0);
	const dims = knownDims(context.input(0).shape);
	if (!rule || !value || !dims) {
		return undefined;
	}

	const {starts, offsets} = boxes(dims, axes);
	return Array.from(starts, start =>
		rule(
			Array.from(offsets, offset => value[start + offset]!),
			context.bounds,
		),
	);
}

function reduction(name: string, definition: Reduction): Op {
	return {
		name,
		upgrade({node, opset, addConstant}) {
			const axes = integers(node.attributes, 'axes');
			if (opset >= (name === 'ReduceSum' ? 13 : 18) || axes === undefined) {
				return node;
			}

			const {axes: _, ...attributes} = node.attributes;
			return {...node, inputs: [node.inputs[0]!, addConstant(int64([axes.length], axes))], attributes};
		},
		infer(context): readonly Inferred[] {
			const {dtype, shape} = context.input(0);
			const axes = axesOf(context, givenAxes(context), shape.length);
			const type = {dtype, shape: reducedShape(shape, axes, keepsDims(context))};
			return [isFloat(dtype) ? type : inferred(type, symbolicValue(context, axes, definition.symbolic))];
		},
		evaluate(context) {
			const x = context.input(0);
			const given = context.inputs[1];
			const axes = axesOf(context, given && Array.from(toNumbers(given)), x.dims.length);
			return [reduce(x, axes, keepsDims(context), definition)];
		},
		lower(context) {
			const x = context.input(0);
			const axes = axesOf(context, givenAxes(context), x.shape.length);
			const dtype = kernelType(context, definition.types);
			const strides = rowMajor(x.shape);
			const outputs = mergeLoops(without(x.shape, axes), [without(strides, axes)]);
			const box = mergeLoops(only(x.shape, axes), [only(strides, axes)]);
			context.call(`reduce_${definition.kernel}_${suffixOf(dtype)}`, {
				y: context.output(0),
				x,
				rank: outputs.dims.length,
				dims: outputs.dims,
				strides: outputs.strides[0]!,
				reduced_rank: box.dims.length,
				reduced_dims: box.dims,
				reduced_strides: box.strides[0]!,
			});
		},
	};
}

const arithmeticTypes: readonly DType[] = ['float32', 'float64', 'int32', 'uint32', 'int64', 'uint64'];
const extremeTypes: readonly DType[] = ['float32', 'float64', 'bool', ...integerTypes];

const total = (values: Float64Array): number => values.reduce((a, b) => a + b, 0);
const squares = (values: Float64Array): number => values.reduce((a, b) => a + b * b, 0);

function logSumExp(values: Float64Array): number {
	const top = values.reduce((a, b) => Math.max(a, b), -Infinity);
	return Number.isFinite(top) ? top + Math.log(values.reduce((a, b) => a + Math.exp(b - top), 0)) : top;
}

export const reduceOps: readonly Op[] = [
	reduction('ReduceSum', {number: total, big: (a, b) => a + b, symbolic: sum, kernel: 'sum', types: arithmeticTypes}),
	reduction('ReduceMean', {number: values => total(values) / values.length, kernel: 'mean', types: arithmeticTypes}),
	reduction('ReduceProd', {
		number: values => values.reduce((a, b) => a * b, 1),
		big: (a, b) => a * b,
		start: 1n,
		symbolic: values => multiply(...values),
		kernel: 'prod',
		types: arithmeticTypes,
	}),
	reduction('ReduceMax', {
		number: values => values.reduce((a, b) => Math.max(a, b), -Infinity),
		big: (a, b) => (a > b ? a : b),
		symbolic: (values, bounds) => (values.length > 0 ? values.reduce((a, b) => maximum(a, b, bounds)) : undefined),
		kernel: 'max',
		types: extremeTypes,
	}),
	reduction('ReduceMin', {
		number: values => values.reduce((a, b) => Math.min(a, b), Infinity),
		big: (a, b) => (a < b ? a : b),
		symbolic: (values, bounds) => (values.length > 0 ? values.reduce((a, b) => minimum(a, b, bounds)) : undefined),
		kernel: 'min',
		types: extremeTypes,
	}),
	reduction('ReduceL1', {number: values => values.reduce((a, b) => a + Math.abs(b), 0), kernel: 'l1', types: arithmeticTypes}),
	reduction('ReduceL2', {number: values => Math.sqrt(squares(values)), kernel: 'l2', types: arithmeticTypes}),
	reduction('ReduceLogSum', {number: values => Math.log(total(values)), kernel: 'log_sum', types: arithmeticTypes}),
	reduction('ReduceLogSumExp', {number: logSumExp, kernel: 'log_sum_exp', types: arithmeticTypes}),
	reduction('ReduceSumSquare', {number: squares, kernel: 'sum_square', types: arithmeticTypes}),
];
