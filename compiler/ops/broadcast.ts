/**
 * Multidirectional broadcasting, as the ONNX specification takes it from numpy: shapes are aligned at the last axis, and an axis of 1
 * goes with any other. For symbolic shapes, for index arithmetic at compile time, and for the dims and strides of kernels.
 */
import {equal, isNumber, keyOf, multiply, type Dim} from '../graph/dim.js';
import {sizeOf, stridesOf} from '../graph/tensor.js';
import {rowMajor} from '../graph/shape.js';

type Failing = {fail(problem: string, sides?: {expected?: string; found?: string; hint?: string}): never};

export const describeShape = (shape: readonly Dim[]): string => `[${shape.map(keyOf).join(', ')}]`;

const isOne = (dim: Dim): boolean => dim === 1;

/** The common shape; fails with both shapes where two axes differ. */
export function broadcastShapes(context: Failing, ...shapes: ReadonlyArray<readonly Dim[]>): Dim[] {
	return shapes.reduce<Dim[]>((left, right) => {
		const rank = Math.max(left.length, right.length);
		return Array.from({length: rank}, (_, axis) => {
			const a = left[axis - rank + left.length] ?? 1;
			const b = right[axis - rank + right.length] ?? 1;
			if (isOne(a)) {
				return b;
			}

			if (!isOne(b) && !equal(a, b)) {
				context.fail('shapes do not broadcast', {
					expected: `equal axes, or 1, where the shapes have ${keyOf(a)} and ${keyOf(b)}`,
					found: `${describeShape(left)} and ${describeShape(right)}`,
				});
			}

			return a;
		});
	}, []);
}

/** `broadcastShapes` for shapes of numbers. */
export const broadcastDims = (context: Failing, ...shapes: ReadonlyArray<readonly number[]>): number[] => broadcastShapes(context, ...shapes) as number[];

/** For every element of `to`, in order, the index of the element of `from` that it reads. */
export function broadcastIndices(from: readonly number[], to: readonly number[]): Uint32Array {
	const lead = to.length - from.length;
	const fromStrides = stridesOf(from);
	const strides = to.map((_, axis) => (axis < lead || from[axis - lead] === 1 ? 0 : fromStrides[axis - lead]!));
	return stridedIndices(to, strides);
}

/** The offsets of all elements of a box, row-major, whose axes lie `strides` apart. */
export function stridedIndices(dims: readonly number[], strides: readonly number[], start = 0): Uint32Array {
	const indices = new Uint32Array(sizeOf(dims));
	const counter = new Array<number>(dims.length).fill(0);
	let offset = start;
	for (let i = 0; i < indices.length; i++) {
		indices[i] = offset;
		for (let axis = dims.length - 1; axis >= 0; axis--) {
			offset += strides[axis]!;
			if (++counter[axis]! < dims[axis]!) {
				break;
			}

			offset -= strides[axis]! * dims[axis]!;
			counter[axis] = 0;
		}
	}

	return indices;
}

export type Loops = {readonly dims: readonly Dim[]; readonly strides: ReadonlyArray<readonly Dim[]>};

/**
 * The fewest nested loops that visit all elements of `shape` and, in step, those of operands that broadcast to it: axes of 1 vanish,
 * and neighbours merge where every operand either has both or repeats over both. There is always at least one loop; the strides of the
 * last are 0 or 1.
 */
export function broadcastLoops(shape: readonly Dim[], operands: ReadonlyArray<readonly Dim[]>): Loops {
	const allStrides = operands.map(operand => {
		const own = rowMajor(operand);
		const lead = shape.length - operand.length;
		return shape.map((_, axis) => (axis < lead || isOne(operand[axis - lead]!) ? 0 : own[axis - lead]!));
	});
	return mergeLoops(shape, allStrides);
}

/** Drops axes of 1 and merges neighbours that every operand walks as one. */
export function mergeLoops(shape: readonly Dim[], allStrides: ReadonlyArray<readonly Dim[]>): Loops {
	const dims: Dim[] = [];
	const strides: Dim[][] = allStrides.map(() => []);
	for (const [axis, dim] of shape.entries()) {
		if (isOne(dim)) {
			continue;
		}

		const last = dims.length - 1;
		if (last >= 0 && allStrides.every((operand, i) => equal(strides[i]![last]!, multiply(operand[axis]!, dim)))) {
			dims[last] = multiply(dims[last]!, dim);
			for (const [i, operand] of allStrides.entries()) {
				strides[i]![last] = operand[axis]!;
			}
		} else {
			dims.push(dim);
			for (const [i, operand] of allStrides.entries()) {
				strides[i]!.push(operand[axis]!);
			}
		}
	}

	if (dims.length === 0) {
		dims.push(1);
		for (const operand of strides) {
			operand.push(1);
		}
	}

	return {dims, strides};
}

/** The axis as a number from 0, or a failure that names it. `extra` allows axes up to rank + extra − 1. */
export function normaliseAxis(context: Failing, axis: number, rank: number, extra = 0): number {
	const limit = rank + extra;
	if (!Number.isInteger(axis) || axis < -limit || axis >= Math.max(limit, 1)) {
		context.fail('axis out of range', {expected: `${-limit} to ${limit - 1} for a tensor of rank ${rank}`, found: String(axis)});
	}

	return axis < 0 ? axis + limit : axis;
}

/** Sizes before, at and after an axis: how kernels see a tensor that they walk along one axis. */
export function splitAt(shape: readonly Dim[], axis: number): {outer: Dim; length: Dim; inner: Dim} {
	return {outer: multiply(...shape.slice(0, axis)), length: shape[axis] ?? 1, inner: multiply(...shape.slice(axis + 1))};
}

/** `shape` as numbers, or undefined while a dimension is symbolic. */
export const knownDims = (shape: readonly Dim[]): readonly number[] | undefined => (shape.every(isNumber) ? shape : undefined);
