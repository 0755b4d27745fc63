/** Split: consecutive parts along an axis. https://onnx.ai/onnx/operators/onnx__Split.html */
import {add, equal, isNumber, keyOf, lessOrEqual, multiply, subtract, type Dim} from '../../graph/dim.js';
import {int64} from '../../graph/tensor.js';
import {describeShape} from '../broadcast.js';
import {fill} from './move.js';
import {movementOp} from './movement.js';
import {divideUp, integerAttribute, resolveAxis, shapeInput, type Reading} from './reading.js';
import {attributesToInputs} from './upgrade.js';
import {rowMajor} from '../../graph/shape.js';

export const split = movementOp(
	'Split',
	ctx => {
		const {shape} = ctx.input(0);
		const axis = resolveAxis(ctx, integerAttribute(ctx, 'axis', 0), shape.length);
		const lengths = partLengths(ctx, shape[axis]!);
		const read = rowMajor(shape);
		let start: Dim = 0;
		const starts = lengths.map(length => {
			const at = start;
			start = add(start, length);
			return at;
		});
		const shapes = lengths.map(length => shape.with(axis, length));
		return {
			shapes,
			moves: shapes.map((dims, output) => ({...fill(dims, read, multiply(starts[output]!, read[axis]!)), output})),
		};
	},
	{upgrade: ctx => (ctx.opset < 13 ? attributesToInputs(ctx, [undefined, {attribute: 'split', tensor: int64}]) : ctx.node)},
);

function partLengths(ctx: Reading, dim: Dim): readonly Dim[] {
	if (ctx.has(1)) {
		const lengths = shapeInput(ctx, 1, 'the lengths of the parts');
		if (lengths.length !== ctx.outputCount || !equal(add(...lengths), dim)) {
			ctx.fail('the parts do not make up the axis', {expected: `${ctx.outputCount} lengths that sum to ${keyOf(dim)}`, found: describeShape(lengths)});
		}

		return lengths;
	}

	const count = integerAttribute(ctx, 'num_outputs', ctx.outputCount);
	const length = divideUp(dim, count);
	const last = subtract(dim, multiply(length, count - 1));
	if (count !== ctx.outputCount || (isNumber(last) ? last < 0 : lessOrEqual(0, last, ctx.bounds) === false)) {
		ctx.fail(`an axis of ${keyOf(dim)} cannot be split in ${count}`, {expected: `${ctx.outputCount} parts`, found: `${count}`});
	}

	return [...new Array<Dim>(count - 1).fill(length), last];
}
