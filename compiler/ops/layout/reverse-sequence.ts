/** ReverseSequence: the first steps of every sequence in reverse. https://onnx.ai/onnx/operators/onnx__ReverseSequence.html */
import {equal, multiply} from '../../graph/dim.js';
import {allocate, bytesOf} from '../../graph/dtype.js';
import {describeShape} from '../broadcast.js';
import type {Op} from '../op.js';
import {numbersOf} from './indices.js';
import {cells} from './movement.js';
import {integerAttribute, readTensors, type Reading} from './reading.js';
import {product} from '../../graph/shape.js';

/** Whether time is the first axis (and the batch the second) or the other way round. */
function timeFirst(ctx: Reading): boolean {
	const {shape} = ctx.input(0);
	const [time, batch] = [integerAttribute(ctx, 'time_axis', 0), integerAttribute(ctx, 'batch_axis', 1)];
	if (shape.length < 2 || time + batch !== 1 || time * batch !== 0) {
		ctx.fail('time and batch are not the first two axes', {expected: '0 and 1', found: `time ${time} and batch ${batch} of ${describeShape(shape)}`});
	}

	const lengths = ctx.input(1);
	if (lengths.dtype !== 'int64' || lengths.shape.length !== 1 || !equal(lengths.shape[0]!, shape[batch]!)) {
		ctx.fail('the lengths do not fit the batch', {
			expected: `int64 ${describeShape([shape[batch]!])}`,
			found: `${lengths.dtype} ${describeShape(lengths.shape)}`,
		});
	}

	return time === 0;
}

export const reverseSequence: Op = {
	name: 'ReverseSequence',
	infer(ctx) {
		timeFirst(ctx);
		const {dtype, shape} = ctx.input(0);
		return [{dtype, shape}];
	},
	evaluate(ctx) {
		const first = timeFirst(readTensors(ctx));
		const {dtype, dims, data} = ctx.input(0);
		const [a, b] = dims as [number, number];
		const steps = first ? a : b;
		const inner = dims.slice(2).reduce((x, y) => x * y, 1);
		const lengths = numbersOf(ctx.input(1));
		const output = allocate(dtype, data.length);
		for (let position = 0; position < output.length; position++) {
			const row = Math.floor(position / inner);
			const [i, j] = [Math.floor(row / b), row % b];
			const [time, batch] = first ? [i, j] : [j, i];
			const length = lengths[batch]!;
			if (length < 0 || length > steps) {
				ctx.fail('a length is out of range', {expected: `0 to ${steps}`, found: String(length)});
			}

			const source = time < length ? length - 1 - time : time;
			cells(output)[position] = cells(data)[(first ? source * b + j : i * b + source) * inner + (position % inner)]!;
		}

		return [{dtype, dims, data: output}];
	},
	lower(ctx) {
		const x = ctx.input(0);
		const inner = multiply(product(x.shape.slice(2)), bytesOf(x.dtype));
		ctx.call('reverse_sequence', {
			y: ctx.output(0),
			x,
			lengths: ctx.input(1),
			first: x.shape[0]!,
			second: x.shape[1]!,
			inner,
			timeFirst: timeFirst(ctx) ? 1 : 0,
		});
	},
};
