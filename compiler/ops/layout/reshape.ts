/**
 * Reshape and Flatten: the same elements under another shape. https://onnx.ai/onnx/operators/onnx__Reshape.html
 *
 * −1 is found by polynomial division, so that a shape of symbols gives a shape of symbols.
 */
import {divideExactly, equal, floorDivide, isNumber, lessOrEqual, type Dim, type Expression} from '../../graph/dim.js';
import {describeShape} from '../broadcast.js';
import {flat} from './move.js';
import {movementOp} from './movement.js';
import {integerAttribute, resolveAxis, shapeInput, type Reading} from './reading.js';
import {product} from '../../graph/shape.js';

export const reshape = movementOp('Reshape', ctx => {
	const {shape} = ctx.input(0);
	return {shapes: [targetShape(ctx, shape, shapeInput(ctx, 1, 'the shape'))], moves: [flat(shape)]};
});

export const flatten = movementOp('Flatten', ctx => {
	const {shape} = ctx.input(0);
	const axis = resolveAxis(ctx, integerAttribute(ctx, 'axis', 1), shape.length, true);
	return {shapes: [[product(shape.slice(0, axis)), product(shape.slice(axis))]], moves: [flat(shape)]};
});

function targetShape(ctx: Reading, from: readonly Dim[], wanted: readonly Dim[]): readonly Dim[] {
	const keepsZero = integerAttribute(ctx, 'allowzero', 0) !== 0;
	const total = product(from);
	const sides = {expected: `a shape for ${describeShape(from)}`, found: describeShape(wanted)};
	const dims = wanted.map((dim, axis) =>
		dim === 0 && !keepsZero ? (from[axis] ?? ctx.fail(`0 copies axis ${axis}, which the input does not have`, sides)) : dim,
	);
	const open = dims.indexOf(-1);
	if (dims.some((dim, axis) => isNumber(dim) && dim < 0 && axis !== open)) {
		ctx.fail('a shape has one −1 at most and no other negative number', sides);
	}

	if (open < 0) {
		if (differ(ctx, total, product(dims))) {
			ctx.fail('the shapes differ in the number of elements', sides);
		}

		return dims;
	}

	const others = product(dims.filter((_, axis) => axis !== open));
	const quotient = others === 0 ? undefined : (divideExactly(total, others) ?? (isNumber(total) && isNumber(others) ? undefined : floorDivide(total, others)));
	return quotient === undefined ? ctx.fail('the elements cannot be divided to find −1', sides) : dims.with(open, quotient);
}

/** Whether two sizes are known to differ. Minima, maxima and quotients may be equal in ways that polynomials do not show. */
function differ(ctx: Reading, a: Dim, b: Dim): boolean {
	if (equal(a, b)) {
		return false;
	}

	const opaque = [a, b].some(dim => !isNumber(dim) && dim.terms.some((term: Expression['terms'][number]) => term.atoms.some(({kind}) => kind !== 'symbol')));
	return !opaque || lessOrEqual(a, b, ctx.bounds) === false || lessOrEqual(b, a, ctx.bounds) === false;
}
