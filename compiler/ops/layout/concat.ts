/** Concat: inputs one after the other along an axis. https://onnx.ai/onnx/operators/onnx__Concat.html */
import {add, equal, multiply, type Dim} from '../../graph/dim.js';
import {describeShape} from '../broadcast.js';
import type {Move} from './move.js';
import {movementOp} from './movement.js';
import {integerAttribute, resolveAxis} from './reading.js';
import {rowMajor} from '../../graph/shape.js';

export const concat = movementOp('Concat', ctx => {
	const first = ctx.input(0);
	const axis = resolveAxis(ctx, integerAttribute(ctx, 'axis', 1), first.shape.length);
	let length: Dim = 0;
	const parts = Array.from({length: ctx.inputCount}, (_, input) => {
		const {shape, dtype} = ctx.input(input);
		if (dtype !== first.dtype) {
			ctx.fail(`input ${input} has another type`, {expected: first.dtype, found: dtype});
		}

		if (shape.length !== first.shape.length || shape.some((dim, at) => at !== axis && !equal(dim, first.shape[at]!))) {
			ctx.fail(`input ${input} does not fit the first along axis ${axis}`, {
				expected: `${describeShape(first.shape)} but for that axis`,
				found: describeShape(shape),
			});
		}

		const start = length;
		length = add(length, shape[axis]!);
		return {input, shape, start};
	});
	const shape = first.shape.with(axis, length);
	const write = rowMajor(shape);
	return {
		shapes: [shape],
		moves: parts.map(({input, shape: dims, start}): Move => ({
			input,
			output: 0,
			dims,
			read: rowMajor(dims),
			readOffset: 0,
			write,
			writeOffset: multiply(start, write[axis]!),
		})),
	};
});
