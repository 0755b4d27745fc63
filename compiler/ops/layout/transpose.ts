/** Transpose: the axes in another order. https://onnx.ai/onnx/operators/onnx__Transpose.html */
import {fill} from './move.js';
import {movementOp} from './movement.js';
import {numbersAttribute, resolveAxes} from './reading.js';
import {rowMajor} from '../../graph/shape.js';

export const transpose = movementOp('Transpose', ctx => {
	const {shape} = ctx.input(0);
	const order = resolveAxes(ctx, numbersAttribute(ctx, 'perm') ?? shape.map((_, axis) => shape.length - 1 - axis), shape.length);
	if (order.length !== shape.length) {
		ctx.fail('perm does not name every axis', {expected: `${shape.length} axes`, found: `${order.length}`});
	}

	const strides = rowMajor(shape);
	const turned = order.map(axis => shape[axis]!);
	return {
		shapes: [turned],
		moves: [
			fill(
				turned,
				order.map(axis => strides[axis]!),
			),
		],
	};
});
