/**
 * Pad: elements put in front of and behind axes, or taken away by negative pads. https://onnx.ai/onnx/operators/onnx__Pad.html
 *
 * `constant` is a fill and a strided copy; `edge`, `reflect` and `wrap` read each output position from an input position.
 */
import {add, isNumber, keyOf, lessOrEqual, maximum, minimum, multiply, negate, type Dim} from '../../graph/dim.js';
import {allocate, bytesOf, type DType} from '../../graph/dtype.js';
import {int64, sizeOf, stridesOf, type Tensor} from '../../graph/tensor.js';
import type {LowerContext} from '../../plan/lower-context.js';
import {describeShape} from '../broadcast.js';
import type {EvaluateContext, Op} from '../op.js';
import {bitsOf, scalar} from './element.js';
import {eachIndex} from './indices.js';
import {execute, type Move} from './move.js';
import {cells, emitCopy} from './movement.js';
import {concrete, optionalNumbers, readTensors, resolveAxes, shapeInput, stringAttribute, type Reading} from './reading.js';
import {attributesToInputs} from './upgrade.js';
import {product, rowMajor} from '../../graph/shape.js';

const modes = ['constant', 'reflect', 'edge', 'wrap'];

/** The numbers of the kernel's modes. */
const kernelModes: Readonly<Record<string, number>> = {edge: 0, reflect: 1, wrap: 2};

type Layout = {readonly mode: string; readonly shape: readonly Dim[]; readonly before: readonly Dim[]};

function layout(ctx: Reading): Layout {
	const {shape} = ctx.input(0);
	const pads = shapeInput(ctx, 1, 'the pads');
	const listed = optionalNumbers(ctx, 3, 'the axes');
	const axes = listed ? resolveAxes(ctx, listed, shape.length) : shape.map((_, axis) => axis);
	if (pads.length !== 2 * axes.length) {
		ctx.fail('the pads do not match the axes', {expected: `${2 * axes.length} numbers`, found: describeShape(pads)});
	}

	const before = shape.map((_, axis): Dim => (axes.includes(axis) ? pads[axes.indexOf(axis)]! : 0));
	const padded = shape.map((dim, axis): Dim => (axes.includes(axis) ? add(dim, before[axis]!, pads[axes.length + axes.indexOf(axis)]!) : dim));
	const mode = stringAttribute(ctx, 'mode', modes);
	for (const [axis, dim] of padded.entries()) {
		if (lessOrEqual(0, dim, ctx.bounds) === false || (mode !== 'constant' && shape[axis] === 0 && dim !== 0)) {
			ctx.fail(`axis ${axis} cannot be padded so`, {
				expected: 'a size of 0 or more, made from existing elements',
				found: `${keyOf(shape[axis]!)} to ${keyOf(dim)}`,
			});
		}
	}

	return {mode, shape: padded, before};
}

/** The copy of what remains of the input into an output where it begins at `before`; negative numbers cut. */
export function inset(from: readonly Dim[], shape: readonly Dim[], before: readonly Dim[]): Move {
	const [read, write] = [rowMajor(from), rowMajor(shape)];
	const skipped = before.map(pad => maximum(0, negate(pad)));
	const placed = before.map(pad => maximum(0, pad));
	const dims = from.map((dim, axis) => maximum(0, minimum(add(dim, negate(skipped[axis]!)), add(shape[axis]!, negate(placed[axis]!)))));
	const offset = (starts: readonly Dim[], strides: readonly Dim[]): Dim => add(...starts.map((start, axis) => multiply(start, strides[axis]!)));
	return {input: 0, output: 0, dims, read, readOffset: offset(skipped, read), write, writeOffset: offset(placed, write)};
}

/** The input position that an output position shows, `at` counted from the input's start. */
function source(at: number, size: number, mode: string): number {
	if (mode === 'edge') {
		return Math.max(0, Math.min(size - 1, at));
	}

	const period = mode === 'wrap' ? size : Math.max(1, 2 * size - 2);
	const phase = ((at % period) + period) % period;
	return phase < size ? phase : period - phase;
}

function evaluate(ctx: EvaluateContext): Tensor[] {
	const {mode, ...at} = layout(readTensors(ctx));
	const [shape, before] = [concrete(at.shape), concrete(at.before)];
	const data = ctx.input(0);
	const output = allocate(data.dtype, sizeOf(shape));
	const [to, from] = [cells(output), cells(data.data)];
	if (mode === 'constant') {
		const value = cells((ctx.inputs[2] ?? formerValue(ctx, data.dtype)).data)[0]!;
		for (let i = 0; i < to.length; i++) {
			to[i] = value;
		}

		execute(inset(data.dims, shape, before), to, from);
	} else {
		const strides = stridesOf(data.dims);
		eachIndex(shape, (coordinates, position) => {
			to[position] = from[coordinates.reduce((sum, c, axis) => sum + source(c - before[axis]!, data.dims[axis]!, mode) * strides[axis]!, 0)]!;
		});
	}

	return [{dtype: data.dtype, dims: shape, data: output}];
}

/** The constant of old opsets, an attribute; 0 by default. */
const formerValue = ({attributes}: Pick<Reading, 'attributes'>, dtype: DType): Tensor =>
	scalar(dtype, typeof attributes['value'] === 'number' ? attributes['value'] : 0);

function lower(ctx: LowerContext): void {
	const {mode, shape, before} = layout(ctx);
	const data = ctx.input(0);
	const bytes = bytesOf(data.dtype);
	if (mode === 'constant') {
		ctx.call('fill', {y: ctx.output(0), value: ctx.has(2) ? ctx.input(2) : bitsOf(formerValue(ctx, data.dtype)), count: product(shape), bytes});
		emitCopy(ctx, ctx.output(0), data, inset(data.shape, shape, before), bytes);
		return;
	}

	const scaled = (dims: readonly Dim[]): readonly Dim[] => rowMajor(dims).map(stride => multiply(stride, bytes));
	if (shape.length === 0) {
		ctx.alias(0, 0);
		return;
	}

	ctx.call('pad', {
		y: ctx.output(0),
		x: data,
		dims: shape,
		sizes: data.shape,
		before,
		write: scaled(shape),
		read: scaled(data.shape),
		rank: shape.length,
		mode: kernelModes[mode]!,
		bytes,
	});
}

export const pad: Op = {
	name: 'Pad',
	/** The constant of old opsets stays an attribute: its type is that of the data, which is not known at import. */
	upgrade: ctx => (ctx.opset < 11 ? attributesToInputs(ctx, [undefined, {attribute: 'pads', tensor: int64}]) : ctx.node),
	infer(ctx) {
		const {shape, mode, before} = layout(ctx);
		const [data, fill] = [ctx.value(0), ctx.has(2) ? ctx.value(2)?.[0] : 0];
		const size = product(shape);
		if (!data || fill === undefined || mode !== 'constant' || !isNumber(size) || !before.every(isNumber)) {
			return [{dtype: ctx.input(0).dtype, shape}];
		}

		const value = new Array<Dim>(size).fill(fill);
		execute<Dim>(inset(ctx.input(0).shape, shape, before), value, data);
		return [{dtype: ctx.input(0).dtype, shape, value}];
	},
	evaluate,
	lower,
};
