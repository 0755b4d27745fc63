/** CenterCropPad: axes cut or padded with zeros on both sides to given sizes. https://onnx.ai/onnx/operators/onnx__CenterCropPad.html */
import {floorDivide, keyOf, lessOrEqual, negate, subtract, type Dim} from '../../graph/dim.js';
import {allocate, bytesOf} from '../../graph/dtype.js';
import {sizeOf} from '../../graph/tensor.js';
import {describeShape} from '../broadcast.js';
import type {Op} from '../op.js';
import {execute} from './move.js';
import {cells, emitCopy} from './movement.js';
import {inset} from './pad.js';
import {concrete, numbersAttribute, readTensors, resolveAxes, shapeInput, type Reading} from './reading.js';
import {product} from '../../graph/shape.js';

function layout(ctx: Reading): {readonly shape: readonly Dim[]; readonly before: readonly Dim[]} {
	const from = ctx.input(0).shape;
	const sizes = shapeInput(ctx, 1, 'the shape');
	const axes = resolveAxes(ctx, numbersAttribute(ctx, 'axes') ?? from.map((_, axis) => axis), from.length);
	if (sizes.length !== axes.length) {
		ctx.fail('the sizes do not match the axes', {expected: `${axes.length} numbers`, found: describeShape(sizes)});
	}

	const shape = from.map((dim, axis): Dim => (axes.includes(axis) ? sizes[axes.indexOf(axis)]! : dim));
	const before = from.map((dim, axis): Dim => {
		const added = subtract(shape[axis]!, dim);
		return lessOrEqual(0, added, ctx.bounds)
			? floorDivide(added, 2)
			: lessOrEqual(added, 0, ctx.bounds)
				? negate(floorDivide(negate(added), 2))
				: ctx.fail(`whether axis ${axis} is cut or padded depends on symbols`, {
						expected: 'one of them for all sizes',
						found: `${keyOf(dim)} to ${keyOf(shape[axis]!)}`,
						hint: 'fix the axis with --dim',
					});
	});
	return {shape, before};
}

export const centerCropPad: Op = {
	name: 'CenterCropPad',
	infer: ctx => [{dtype: ctx.input(0).dtype, shape: layout(ctx).shape}],
	evaluate(ctx) {
		const at = layout(readTensors(ctx));
		const {dtype, dims, data} = ctx.input(0);
		const shape = concrete(at.shape);
		const output = allocate(dtype, sizeOf(shape));
		execute(inset(dims, shape, at.before), cells(output), cells(data));
		return [{dtype, dims: shape, data: output}];
	},
	lower(ctx) {
		const {shape, before} = layout(ctx);
		const x = ctx.input(0);
		const bytes = bytesOf(x.dtype);
		ctx.call('fill', {y: ctx.output(0), value: [0, 0], count: product(shape), bytes});
		emitCopy(ctx, ctx.output(0), x, inset(x.shape, shape, before), bytes);
	},
};
