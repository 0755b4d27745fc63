/**
 * NonZero and Compress: how much comes out depends on the data, so the data that decides must be known when the model is compiled.
 * https://onnx.ai/onnx/operators/onnx__NonZero.html
 */
import {isNumber, multiply, type Dim} from '../../graph/dim.js';
import {allocate, bytesOf} from '../../graph/dtype.js';
import {int64, sizeOf, type Tensor} from '../../graph/tensor.js';
import type {Op} from '../op.js';
import {eachIndex, numericValue} from './indices.js';
import {cells} from './movement.js';
import {concrete, integerAttribute, numericInput, readTensors, resolveAxis, type Reading} from './reading.js';
import {product} from '../../graph/shape.js';

function nonZeroIndices(dims: readonly number[], isZero: (position: number) => boolean): readonly number[][] {
	const rows = dims.map((): number[] => []);
	eachIndex(dims, (coordinates, position) => {
		if (!isZero(position)) {
			coordinates.forEach((at, axis) => rows[axis]!.push(at));
		}
	});
	return rows;
}

/** Zero of either sign, in any type: half floats are held as bits, where −0 is 0x8000. */
const isZeroIn =
	({dtype, data}: Tensor) =>
	(position: number): boolean =>
		Number(data[position]) === 0 || ((dtype === 'float16' || dtype === 'bfloat16') && data[position] === 0x8000);

/** Constant folding turns it into a constant, so it has no kernel. */
export const nonZero: Op = {
	name: 'NonZero',
	infer(ctx) {
		const {shape} = ctx.input(0);
		const constant = ctx.constant(0);
		const value = numericValue(ctx.value(0));
		const isZero = constant ? isZeroIn(constant) : value && ((position: number): boolean => value[position] === 0);
		if (!isZero || !shape.every(isNumber)) {
			return ctx.fail("the output's shape depends on data", {
				expected: 'a constant',
				found: 'a value that is only known when the model runs',
				hint: 'replace NonZero by a mask or by Where',
			});
		}

		const rows = nonZeroIndices(shape, isZero);
		const flat = rows.flat();
		return [{dtype: 'int64', shape: [shape.length, shape.length === 0 ? (isZero(0) ? 0 : 1) : rows[0]!.length], ...(flat.length <= 65_536 && {value: flat})}];
	},
	evaluate(ctx) {
		const input = ctx.input(0);
		const rows = nonZeroIndices(input.dims, isZeroIn(input));
		return [int64([input.dims.length, input.dims.length === 0 ? (isZeroIn(input)(0) ? 0 : 1) : rows[0]!.length], rows.flat())];
	},
};

type Layout = {readonly shape: readonly Dim[]; readonly outer: Dim; readonly limit: Dim; readonly inner: Dim; readonly kept: readonly number[]};

function compressLayout(ctx: Reading): Layout {
	const {shape} = ctx.input(0);
	const condition = numericInput(ctx, 1, 'the condition');
	const kept = condition.flatMap((keep, index) => (keep ? [index] : []));
	const listed = integerAttribute(ctx, 'axis', undefined);
	const axis = listed === undefined ? undefined : resolveAxis(ctx, listed, shape.length);
	const limit = axis === undefined ? product(shape) : shape[axis]!;
	if (isNumber(limit) && condition.length > limit) {
		ctx.fail('the condition is longer than the axis', {expected: `at most ${limit}`, found: String(condition.length)});
	}

	return axis === undefined
		? {shape: [kept.length], outer: 1, limit, inner: 1, kept}
		: {shape: shape.with(axis, kept.length), outer: product(shape.slice(0, axis)), limit, inner: product(shape.slice(axis + 1)), kept};
}

/** https://onnx.ai/onnx/operators/onnx__Compress.html */
export const compress: Op = {
	name: 'Compress',
	infer: ctx => [{dtype: ctx.input(0).dtype, shape: compressLayout(ctx).shape}],
	evaluate(ctx) {
		const {kept, ...at} = compressLayout(readTensors(ctx));
		const dims = concrete(at.shape);
		const [limit, inner] = concrete([at.limit, at.inner]) as [number, number];
		const {dtype, data} = ctx.input(0);
		const output = allocate(dtype, sizeOf(dims));
		for (let position = 0; position < output.length; position++) {
			const row = Math.floor(position / inner);
			const source = Math.floor(row / kept.length) * limit + kept[row % kept.length]!;
			cells(output)[position] = cells(data)[source * inner + (position % inner)]!;
		}

		return [{dtype, dims, data: output}];
	},
	lower(ctx) {
		const {kept, outer, limit, inner} = compressLayout(ctx);
		const x = ctx.input(0);
		if (kept.length > 0) {
			ctx.call('gather', {y: ctx.output(0), x, indices: kept, outer, limit, count: kept.length, inner: multiply(inner, bytesOf(x.dtype)), wide: 0});
		}
	},
};
