/** Expand and Tile: elements repeated along axes. https://onnx.ai/onnx/operators/onnx__Expand.html */
import {multiply, type Dim} from '../../graph/dim.js';
import {broadcastShapes, describeShape} from '../broadcast.js';
import {fill} from './move.js';
import {movementOp} from './movement.js';
import {shapeInput} from './reading.js';
import {rowMajor} from '../../graph/shape.js';

export const expand = movementOp('Expand', ctx => {
	const from = ctx.input(0).shape;
	const target = shapeInput(ctx, 1, 'the shape');
	const shape = broadcastShapes(ctx, from, target);
	const padded = [...new Array<Dim>(shape.length - from.length).fill(1), ...from];
	const strides = rowMajor(padded);
	return {
		shapes: [shape],
		moves: [
			fill(
				shape,
				strides.map((stride, axis) => (padded[axis] === 1 ? 0 : stride)),
			),
		],
	};
});

/** Every axis is split in (repeats, size); repeats are read with stride 0. */
export const tile = movementOp('Tile', ctx => {
	const {shape} = ctx.input(0);
	const repeats = shapeInput(ctx, 1, 'the repeats');
	if (repeats.length !== shape.length) {
		ctx.fail('repeats do not match the rank', {expected: `${shape.length} numbers`, found: describeShape(repeats)});
	}

	const strides = rowMajor(shape);
	const box = shape.flatMap((dim, axis) => [repeats[axis]!, dim]);
	return {
		shapes: [shape.map((dim, axis) => multiply(dim, repeats[axis]!))],
		moves: [
			fill(
				box,
				strides.flatMap(stride => [0, stride]),
			),
		],
	};
});
