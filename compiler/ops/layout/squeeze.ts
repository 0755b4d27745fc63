/** Squeeze and Unsqueeze: axes of size 1 taken away or put in. https://onnx.ai/onnx/operators/onnx__Squeeze.html */
import {keyOf, type Dim} from '../../graph/dim.js';
import {int64} from '../../graph/tensor.js';
import type {UpgradeContext} from '../op.js';
import {flat} from './move.js';
import {movementOp} from './movement.js';
import {numericInput, optionalNumbers, resolveAxes} from './reading.js';
import {attributesToInputs} from './upgrade.js';

const upgrade = (ctx: UpgradeContext): UpgradeContext['node'] =>
	ctx.opset < 13 ? attributesToInputs(ctx, [undefined, {attribute: 'axes', tensor: int64}]) : ctx.node;

export const squeeze = movementOp(
	'Squeeze',
	ctx => {
		const {shape} = ctx.input(0);
		const listed = optionalNumbers(ctx, 1, 'the axes');
		const axes = listed ? resolveAxes(ctx, listed, shape.length) : shape.flatMap((dim, axis) => (dim === 1 ? [axis] : []));
		for (const axis of axes) {
			if (shape[axis] !== 1) {
				ctx.fail(`axis ${axis} cannot be squeezed`, {expected: 'size 1', found: keyOf(shape[axis]!)});
			}
		}

		return {shapes: [shape.filter((_, axis) => !axes.includes(axis))], moves: [flat(shape)]};
	},
	{upgrade},
);

export const unsqueeze = movementOp(
	'Unsqueeze',
	ctx => {
		const {shape} = ctx.input(0);
		const listed = numericInput(ctx, 1, 'the axes');
		const axes = resolveAxes(ctx, listed, shape.length + listed.length);
		const rest = [...shape];
		const wide = Array.from({length: shape.length + axes.length}, (_, axis): Dim => (axes.includes(axis) ? 1 : rest.shift()!));
		return {shapes: [wide], moves: [flat(shape)]};
	},
	{upgrade},
);
