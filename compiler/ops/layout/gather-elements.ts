/** GatherElements: one index an element, along one axis. https://onnx.ai/onnx/operators/onnx__GatherElements.html */
import {isNumber, keyOf, lessOrEqual, multiply} from '../../graph/dim.js';
import {allocate, bytesOf} from '../../graph/dtype.js';
import {sizeOf, stridesOf} from '../../graph/tensor.js';
import {describeShape} from '../broadcast.js';
import type {Op} from '../op.js';
import {eachIndex, numbersOf, requireIndices, resolveIndex, wide} from './indices.js';
import {cells} from './movement.js';
import {integerAttribute, readTensors, resolveAxis, type Reading} from './reading.js';
import {product, rowMajor} from '../../graph/shape.js';

/** The axis; checks that the indices lie within the data along the others. Scatters share it. */
export function indexedAxis(ctx: Reading): number {
	const data = ctx.input(0).shape;
	const indices = ctx.input(1).shape;
	requireIndices(ctx, ctx.input(1), 1);
	const axis = resolveAxis(ctx, integerAttribute(ctx, 'axis', 0), data.length);
	if (indices.length !== data.length) {
		ctx.fail('indices and data differ in rank', {expected: `rank ${data.length}`, found: describeShape(indices)});
	}

	for (const [at, dim] of data.entries()) {
		if (at !== axis && lessOrEqual(indices[at]!, dim, ctx.bounds) !== true) {
			ctx.fail(`the indices reach beyond axis ${at}`, {
				expected: `at most ${keyOf(dim)}`,
				found: isNumber(indices[at]!) ? String(indices[at]) : keyOf(indices[at]!),
			});
		}
	}

	return axis;
}

export const gatherElements: Op = {
	name: 'GatherElements',
	infer(ctx) {
		indexedAxis(ctx);
		return [{dtype: ctx.input(0).dtype, shape: ctx.input(1).shape}];
	},
	evaluate(ctx) {
		const axis = indexedAxis(readTensors(ctx));
		const data = ctx.input(0);
		const {dims} = ctx.input(1);
		const indices = numbersOf(ctx.input(1));
		const strides = stridesOf(data.dims);
		const output = allocate(data.dtype, sizeOf(dims));
		const [to, from] = [cells(output), cells(data.data)];
		eachIndex(dims, (coordinates, position) => {
			const index = resolveIndex(ctx, indices[position]!, data.dims[axis]!);
			to[position] = from[coordinates.reduce((sum, at, d) => sum + (d === axis ? index : at) * strides[d]!, 0)]!;
		});
		return [{dtype: data.dtype, dims, data: output}];
	},
	lower(ctx) {
		const axis = indexedAxis(ctx);
		const [data, indices] = [ctx.input(0), ctx.input(1)];
		const bytes = bytesOf(data.dtype);
		ctx.call('gather_elements', {
			y: ctx.output(0),
			x: data,
			indices,
			dims: indices.shape,
			strides: rowMajor(data.shape).map(stride => multiply(stride, bytes)),
			rank: data.shape.length,
			axis,
			limit: data.shape[axis]!,
			count: product(indices.shape),
			bytes,
			wide: wide(ctx, 1),
		});
	},
};
