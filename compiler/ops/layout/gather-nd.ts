/** GatherND: runs chosen by tuples of indices. https://onnx.ai/onnx/operators/onnx__GatherND.html */
import {equal, isNumber, keyOf, multiply, type Dim} from '../../graph/dim.js';
import {allocate, bytesOf} from '../../graph/dtype.js';
import {sizeOf} from '../../graph/tensor.js';
import {describeShape} from '../broadcast.js';
import type {Op} from '../op.js';
import {numbersOf, requireIndices, resolveIndex, wide} from './indices.js';
import {cells} from './movement.js';
import {concrete, integerAttribute, readTensors, type Reading} from './reading.js';
import {product, rowMajor} from '../../graph/shape.js';

type Layout = {
	readonly shape: readonly Dim[];
	/** Extents: batches, tuples in each, and elements of a run. */
	readonly batches: Dim;
	readonly count: Dim;
	readonly inner: Dim;
	/** Sizes and strides of the indexed axes. */
	readonly dims: readonly Dim[];
	readonly strides: readonly Dim[];
};

function layout(ctx: Reading): Layout {
	const data = ctx.input(0).shape;
	const indices = ctx.input(1).shape;
	requireIndices(ctx, ctx.input(1), 1);
	const batch = integerAttribute(ctx, 'batch_dims', 0);
	const depth = indices.at(-1);
	if (depth === undefined || !isNumber(depth) || depth < 1 || batch + depth > data.length) {
		return ctx.fail('the last axis of the indices does not fit', {
			expected: `1 to ${data.length - batch} indices`,
			found: depth === undefined ? 'a scalar' : keyOf(depth),
		});
	}

	if (batch >= indices.length || data.slice(0, batch).some((dim, axis) => !equal(dim, indices[axis]!))) {
		ctx.fail('the batch axes differ', {expected: `the first ${batch} of ${describeShape(data)}`, found: describeShape(indices)});
	}

	const run = data.slice(batch + depth);
	return {
		shape: [...indices.slice(0, -1), ...run],
		batches: product(data.slice(0, batch)),
		count: product(indices.slice(batch, -1)),
		inner: product(run),
		dims: data.slice(batch, batch + depth),
		strides: rowMajor(data).slice(batch, batch + depth),
	};
}

export const gatherND: Op = {
	name: 'GatherND',
	infer: ctx => [{dtype: ctx.input(0).dtype, shape: layout(ctx).shape}],
	evaluate(ctx) {
		const at = layout(readTensors(ctx));
		const data = ctx.input(0);
		const shape = concrete(at.shape);
		const dims = concrete(at.dims);
		const strides = concrete(at.strides);
		const [batches, count, inner] = concrete([at.batches, at.count, at.inner]) as [number, number, number];
		const indices = numbersOf(ctx.input(1));
		const output = allocate(data.dtype, sizeOf(shape));
		const [to, from] = [cells(output), cells(data.data)];
		for (let tuple = 0; tuple < batches * count; tuple++) {
			let start = Math.floor(tuple / count) * (data.data.length / batches);
			for (const [axis, dim] of dims.entries()) {
				start += resolveIndex(ctx, indices[tuple * dims.length + axis]!, dim) * strides[axis]!;
			}

			for (let i = 0; i < inner; i++) {
				to[tuple * inner + i] = from[start + i]!;
			}
		}

		return [{dtype: data.dtype, dims: shape, data: output}];
	},
	lower(ctx) {
		const {batches, count, inner, dims, strides} = layout(ctx);
		const bytes = bytesOf(ctx.input(0).dtype);
		ctx.call('gather_nd', {
			y: ctx.output(0),
			x: ctx.input(0),
			indices: ctx.input(1),
			dims,
			strides: strides.map(stride => multiply(stride, bytes)),
			batches,
			batch: multiply(dims[0]!, strides[0]!, bytes),
			count,
			depth: dims.length,
			inner: multiply(inner, bytes),
			wide: wide(ctx, 1),
		});
	},
};
