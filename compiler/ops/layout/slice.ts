/**
 * Slice: a range with a step along some axes; bounds may be expressions. https://onnx.ai/onnx/operators/onnx__Slice.html
 *
 * Bounds count from the end when negative and are clamped to the axis. Where the sign of an expression depends on the symbols, the
 * count from the end is added by arithmetic: d · min(1, max(0, −s)) is d for negative s and 0 otherwise.
 */
import {add, isNumber, keyOf, maximum, minimum, multiply, negate, subtract, type Dim} from '../../graph/dim.js';
import {int64} from '../../graph/tensor.js';
import {fill} from './move.js';
import {movementOp} from './movement.js';
import {divideUp, isNegative, optionalNumbers, resolveAxes, shapeInput, type Reading} from './reading.js';
import {attributesToInputs} from './upgrade.js';
import {rowMajor} from '../../graph/shape.js';

/** Bounds from here on mean "to the end", whatever the symbols. */
const UNBOUNDED = 2 ** 31 - 1;

export const slice = movementOp(
	'Slice',
	ctx => {
		const {shape} = ctx.input(0);
		const starts = shapeInput(ctx, 1, 'the starts');
		const ends = shapeInput(ctx, 2, 'the ends');
		const axes = resolveAxes(ctx, optionalNumbers(ctx, 3, 'the axes') ?? starts.map((_, axis) => axis), shape.length);
		const steps = optionalNumbers(ctx, 4, 'the steps') ?? starts.map(() => 1);
		if (ends.length !== starts.length || axes.length !== starts.length || steps.length !== starts.length) {
			ctx.fail('the bounds differ in number', {expected: `${starts.length} of each`, found: `${ends.length} ends, ${axes.length} axes, ${steps.length} steps`});
		}

		const strides = rowMajor(shape);
		const dims = [...shape];
		const read = [...strides];
		let offset: Dim = 0;
		for (const [at, axis] of axes.entries()) {
			const {start, length, step} = range(ctx, shape[axis]!, starts[at]!, ends[at]!, steps[at]!);
			dims[axis] = length;
			read[axis] = multiply(strides[axis]!, step);
			offset = add(offset, multiply(start, strides[axis]!));
		}

		return {shapes: [dims], moves: [fill(dims, read, offset)]};
	},
	{
		upgrade: ctx =>
			ctx.opset < 10
				? attributesToInputs(ctx, [undefined, {attribute: 'starts', tensor: int64}, {attribute: 'ends', tensor: int64}, {attribute: 'axes', tensor: int64}])
				: ctx.node,
	},
);

/** The first index and the count of a slice of an axis of size `dim`. */
function range(ctx: Reading, dim: Dim, from: Dim, to: Dim, step: number): {start: Dim; length: Dim; step: number} {
	const {bounds} = ctx;
	if (step === 0) {
		ctx.fail('a step is 0', {expected: 'a step other than 0', found: `${keyOf(from)} to ${keyOf(to)} by 0`});
	}

	const clamp = (bound: Dim, low: Dim, high: Dim): Dim => {
		if (isNumber(bound) && Math.abs(bound) >= UNBOUNDED) {
			return bound < 0 ? low : high;
		}

		return maximum(minimum(fromEnd(ctx, bound, dim), high, bounds), low, bounds);
	};

	if (step > 0) {
		const start = clamp(from, 0, dim);
		const end = clamp(to, 0, dim);
		return {start, length: maximum(0, divideUp(subtract(end, start), step), bounds), step};
	}

	const start = clamp(from, 0, subtract(dim, 1));
	const end = clamp(to, -1, subtract(dim, 1));
	return {start, length: maximum(0, divideUp(subtract(start, end), -step), bounds), step};
}

function fromEnd(ctx: Reading, bound: Dim, dim: Dim): Dim {
	const negative = isNegative(bound, ctx);
	return negative === undefined ? add(bound, multiply(dim, minimum(1, maximum(0, negate(bound))))) : negative ? add(bound, dim) : bound;
}
