/**
 * A strided copy: for every index of a box, `to[write · index] = from[read · index]`.
 *
 * Most layout ops are a few of these. The description is symbolic, so the same one gives an output's known elements when shapes are
 * inferred, its data when an op is evaluated, and the arguments of the copy kernel.
 */
import {add, equal, isNumber, multiply, type Dim} from '../../graph/dim.js';
import {concrete} from './reading.js';
import {product, rowMajor} from '../../graph/shape.js';

export type Move = {
	readonly input: number;
	readonly output: number;
	readonly dims: readonly Dim[];
	/** Strides and the first position in the input, in elements. */
	readonly read: readonly Dim[];
	readonly readOffset: Dim;
	/** The same in the output. */
	readonly write: readonly Dim[];
	readonly writeOffset: Dim;
};

/** Arrays of any element, to be moved unchanged. */
export type Cells<T> = {readonly length: number; [index: number]: T};

/** A copy whose box is the whole output, row by row. */
export const fill = (shape: readonly Dim[], read: readonly Dim[], readOffset: Dim = 0, input = 0): Move => ({
	input,
	output: 0,
	dims: shape,
	read,
	readOffset,
	write: rowMajor(shape),
	writeOffset: 0,
});

/** All elements in their order. */
export const flat = (shape: readonly Dim[], input = 0): Move => fill([product(shape)], [1], 0, input);

/** The same copy with as few dimensions as possible: none of size 1, and none that continues its neighbour on both sides. */
export function coalesce(move: Move): Move {
	const dims: Dim[] = [];
	const read: Dim[] = [];
	const write: Dim[] = [];
	for (const [axis, dim] of move.dims.entries()) {
		if (isNumber(dim) && dim === 1) {
			continue;
		}

		const last = dims.length - 1;
		const [r, w] = [move.read[axis]!, move.write[axis]!];
		if (last >= 0 && equal(read[last]!, multiply(r, dim)) && equal(write[last]!, multiply(w, dim))) {
			dims[last] = multiply(dims[last]!, dim);
			read[last] = r;
			write[last] = w;
		} else {
			dims.push(dim);
			read.push(r);
			write.push(w);
		}
	}

	return {...move, dims, read, write};
}

/** Whether a coalesced copy reads and writes one run. */
export const isRun = ({dims, read, write}: Move): boolean => dims.length === 0 || (dims.length === 1 && read[0] === 1 && write[0] === 1);

/** Carries out a copy whose numbers are all known. */
export function execute<T>(move: Move, to: Cells<T>, from: Cells<T>): void {
	const coalesced = coalesce(move);
	const dims = concrete(coalesced.dims);
	const read = concrete(coalesced.read);
	const write = concrete(coalesced.write);
	const level = (axis: number, r: number, w: number): void => {
		if (axis === dims.length) {
			to[w] = from[r]!;
			return;
		}

		const [count, readStride, writeStride] = [dims[axis]!, read[axis]!, write[axis]!];
		const inner = axis === dims.length - 1;
		for (let i = 0; i < count; i++, r += readStride, w += writeStride) {
			if (inner) {
				to[w] = from[r]!;
			} else {
				level(axis + 1, r, w);
			}
		}
	};

	level(0, ...(concrete([move.readOffset, move.writeOffset]) as [number, number]));
}

/** Shifts where a copy starts to read and to write. */
export const shift = (move: Move, readOffset: Dim, writeOffset: Dim): Move => ({
	...move,
	readOffset: add(move.readOffset, readOffset),
	writeOffset: add(move.writeOffset, writeOffset),
});
