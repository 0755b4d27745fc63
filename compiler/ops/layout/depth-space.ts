/** DepthToSpace and SpaceToDepth: blocks of pixels as channels and back. https://onnx.ai/onnx/operators/onnx__DepthToSpace.html */
import {divideExactly, floorDivide, isNumber, keyOf, multiply, type Dim} from '../../graph/dim.js';
import {describeShape} from '../broadcast.js';
import {fill} from './move.js';
import {movementOp} from './movement.js';
import {integerAttribute, stringAttribute, type Reading} from './reading.js';
import {rowMajor} from '../../graph/shape.js';

function image(ctx: Reading): {readonly dims: readonly [Dim, Dim, Dim, Dim]; readonly block: number} {
	const {shape} = ctx.input(0);
	const block = integerAttribute(ctx, 'blocksize', 0);
	if (shape.length !== 4 || block < 1) {
		ctx.fail('the input is no batch of images', {
			expected: '[batch, channels, height, width] and a blocksize of 1 or more',
			found: `${describeShape(shape)} and ${block}`,
		});
	}

	return {dims: shape as readonly [Dim, Dim, Dim, Dim], block};
}

function divide(ctx: Reading, dim: Dim, by: number): Dim {
	const quotient = divideExactly(dim, by) ?? (isNumber(dim) ? undefined : floorDivide(dim, by));
	return quotient ?? ctx.fail('a size is no multiple of the block', {expected: `a multiple of ${by}`, found: keyOf(dim)});
}

/** Channels are (row, column, depth) in mode DCR and (depth, row, column) in CRD. */
export const depthToSpace = movementOp('DepthToSpace', ctx => {
	const {
		dims: [n, c, h, w],
		block,
	} = image(ctx);
	const depth = divide(ctx, c, block * block);
	const shape = [n, depth, multiply(h, block), multiply(w, block)];
	const depthFirst = stringAttribute(ctx, 'mode', ['DCR', 'CRD']) === 'CRD';
	const split = depthFirst ? [n, depth, block, block, h, w] : [n, block, block, depth, h, w];
	const strides = rowMajor(split);
	const order = depthFirst ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2];
	return {
		shapes: [shape],
		moves: [
			fill(
				order.map(axis => split[axis]!),
				order.map(axis => strides[axis]!),
			),
		],
	};
});

export const spaceToDepth = movementOp('SpaceToDepth', ctx => {
	const {
		dims: [n, c, h, w],
		block,
	} = image(ctx);
	const [rows, columns] = [divide(ctx, h, block), divide(ctx, w, block)];
	const split = [n, c, rows, block, columns, block];
	const strides = rowMajor(split);
	const order = stringAttribute(ctx, 'mode', ['DCR', 'CRD']) === 'CRD' ? [0, 1, 3, 5, 2, 4] : [0, 3, 5, 1, 2, 4];
	return {
		shapes: [[n, multiply(c, block * block), rows, columns]],
		moves: [
			fill(
				order.map(axis => split[axis]!),
				order.map(axis => strides[axis]!),
			),
		],
	};
});
