/**
 * Gather: slices of an axis at indices. https://onnx.ai/onnx/operators/onnx__Gather.html
 *
 * A single index that is known, as an integer or an expression, is a strided copy, and often an alias.
 */
import {add, isNumber, lessOrEqual, multiply, type Dim} from '../../graph/dim.js';
import {allocate, bytesOf} from '../../graph/dtype.js';
import {sizeOf} from '../../graph/tensor.js';
import type {InferContext, Op} from '../op.js';
import {numbersOf, numericValue, requireIndices, resolveIndex, wide} from './indices.js';
import {fill, type Cells} from './move.js';
import {cells, lowerMovement} from './movement.js';
import {integerAttribute, isNegative, KNOWN_LENGTH, readTensors, resolveAxis, type Reading} from './reading.js';
import {product, rowMajor} from '../../graph/shape.js';

type Layout = {readonly axis: number; readonly shape: readonly Dim[]; readonly outer: Dim; readonly limit: Dim; readonly inner: Dim; readonly count: Dim};

function layout(ctx: Reading): Layout {
	const data = ctx.input(0).shape;
	const indices = ctx.input(1);
	requireIndices(ctx, indices, 1);
	const axis = resolveAxis(ctx, integerAttribute(ctx, 'axis', 0), data.length);
	const [before, after] = [data.slice(0, axis), data.slice(axis + 1)];
	return {
		axis,
		shape: [...before, ...indices.shape, ...after],
		outer: product(before),
		limit: data[axis]!,
		inner: product(after),
		count: product(indices.shape),
	};
}

export const gather: Op = {
	name: 'Gather',
	infer(ctx) {
		const at = layout(ctx);
		const value = knownElements(ctx, at);
		return [{dtype: ctx.input(0).dtype, shape: at.shape, ...(value && {value})}];
	},
	evaluate(ctx) {
		const {shape, ...at} = layout(readTensors(ctx));
		const data = ctx.input(0);
		const output = allocate(data.dtype, sizeOf(shape as number[]));
		const indices = numbersOf(ctx.input(1)).map(index => resolveIndex(ctx, index, at.limit as number));
		gatherInto(cells(output), cells(data.data), indices, at);
		return [{dtype: data.dtype, dims: shape as number[], data: output}];
	},
	lower(ctx) {
		const at = layout(ctx);
		const data = ctx.input(0);
		const start = singleIndex(ctx, at);
		if (start !== undefined) {
			const read = rowMajor(data.shape);
			const {axis} = at;
			const kept = ctx.input(1).shape.map(() => 0);
			lowerMovement(ctx, {
				shapes: [at.shape],
				moves: [fill(at.shape, [...read.slice(0, axis), ...kept, ...read.slice(axis + 1)], multiply(start, read[axis]!))],
			});
			return;
		}

		ctx.call('gather', {
			y: ctx.output(0),
			x: data,
			indices: ctx.input(1),
			outer: at.outer,
			limit: at.limit,
			count: at.count,
			inner: multiply(at.inner, bytesOf(data.dtype)),
			wide: wide(ctx, 1),
		});
	},
};

function knownElements(ctx: InferContext, at: Layout): readonly Dim[] | undefined {
	const indices = numericValue(ctx.value(1));
	if (!indices || !isNumber(at.limit)) {
		return undefined;
	}

	const resolved = indices.map(index => resolveIndex(ctx, index, at.limit as number));
	const size = product(at.shape);
	const data = ctx.value(0);
	if (!data || !isNumber(size) || size > KNOWN_LENGTH) {
		return undefined;
	}

	const elements = new Array<Dim>(size);
	gatherInto<Dim>(elements, data, resolved, at);
	return elements;
}

/** Takes numeric extents; `indices` are in range. */
function gatherInto<T>(to: Cells<T>, from: Cells<T>, indices: readonly number[], {outer, limit, inner}: Pick<Layout, 'outer' | 'limit' | 'inner'>): void {
	const [blocks, rows, width] = [outer as number, limit as number, inner as number];
	let w = 0;
	for (let block = 0; block < blocks; block++) {
		for (const index of indices) {
			const start = (block * rows + index) * width;
			for (let i = 0; i < width; i++) {
				to[w++] = from[start + i]!;
			}
		}
	}
}

/** The one index, counted from the front, where it is known to be in range. */
function singleIndex(ctx: Reading, {limit, count}: Layout): Dim | undefined {
	const index = count === 1 ? ctx.value(1)?.[0] : undefined;
	const negative = index === undefined ? undefined : isNegative(index, ctx);
	if (index === undefined || negative === undefined) {
		return undefined;
	}

	const start = negative ? add(index, limit) : index;
	return lessOrEqual(0, start, ctx.bounds) && lessOrEqual(add(start, 1), limit, ctx.bounds) ? start : undefined;
}
