/**
 * Ops that only move elements: their outputs' shapes and the strided copies that fill them are the whole definition.
 *
 * A copy that is one run over a whole output becomes an alias, so reshapes and leading slices cost nothing.
 */
import {add, equal, isNumber, lessOrEqual, multiply, type Dim} from '../../graph/dim.js';
import {allocate, bytesOf, isFloat, type TypedArray} from '../../graph/dtype.js';
import {sizeOf, type Tensor} from '../../graph/tensor.js';
import type {LowerContext, Operand} from '../../plan/lower-context.js';
import type {EvaluateContext, InferContext, Inferred, Op} from '../op.js';
import {coalesce, execute, isRun, type Cells, type Move} from './move.js';
import {concrete, KNOWN_LENGTH, readTensors, type Reading} from './reading.js';
import {product} from '../../graph/shape.js';

export type Movement = {
	readonly shapes: ReadonlyArray<readonly Dim[]>;
	/** Together they write every element of every output. */
	readonly moves: readonly Move[];
};

export const movementOp = (name: string, describe: (ctx: Reading) => Movement, rest: Partial<Op> = {}): Op => ({
	name,
	infer: ctx => inferMovement(ctx, describe(ctx)),
	evaluate: ctx => evaluateMovement(ctx, describe(readTensors(ctx))),
	lower: ctx => lowerMovement(ctx, describe(ctx)),
	...rest,
});

/** The cells of a tensor's data, whatever their type: they are only moved. */
export const cells = (data: TypedArray): Cells<number> => data as unknown as Cells<number>;

export function inferMovement(ctx: InferContext, {shapes, moves}: Movement): Inferred[] {
	const {dtype} = ctx.input(0);
	return shapes.map((shape, output) => {
		const value = knownElements(
			ctx,
			shape,
			moves.filter(move => move.output === output),
		);
		return {dtype, shape, ...(value && {value})};
	});
}

function knownElements(ctx: InferContext, shape: readonly Dim[], moves: readonly Move[]): readonly Dim[] | undefined {
	const size = product(shape);
	if (isFloat(ctx.input(0).dtype) || !isNumber(size) || size > KNOWN_LENGTH) {
		return undefined;
	}

	const elements = new Array<Dim>(size);
	for (const move of moves) {
		const from = ctx.value(move.input);
		if (from === undefined) {
			return undefined;
		}

		execute<Dim>(move, elements, from);
	}

	return elements;
}

export function evaluateMovement(ctx: EvaluateContext, {shapes, moves}: Movement): Tensor[] {
	const {dtype} = ctx.input(0);
	return shapes.map((shape, output) => {
		const dims = concrete(shape);
		const mine = moves.filter(move => move.output === output);
		const only = mine.length === 1 ? coalesce(mine[0]!) : undefined;
		const source = only && ctx.input(only.input).data;
		if (source?.length === sizeOf(dims) && isRun(only!)) {
			return {dtype, dims, data: source};
		}

		const data = allocate(dtype, sizeOf(dims));
		for (const move of mine) {
			execute(move, cells(data), cells(ctx.input(move.input).data));
		}

		return {dtype, dims, data};
	});
}

export function lowerMovement(ctx: LowerContext, {shapes, moves}: Movement): void {
	const bytes = bytesOf(ctx.input(0).dtype);
	for (const output of shapes.keys()) {
		if (!ctx.wants(output)) {
			continue;
		}

		const mine = moves.filter(move => move.output === output).map(coalesce);
		if (mine.length === 1 && isRun(mine[0]!)) {
			ctx.alias(output, mine[0]!.input, multiply(mine[0]!.readOffset, bytes));
			continue;
		}

		const column = mine.length === 1 ? columnOf(ctx, mine[0]!) : undefined;
		if (column !== undefined && ctx.aliasColumns(output, column)) {
			continue;
		}

		for (const move of mine) {
			emitCopy(ctx, ctx.output(output), ctx.input(move.input), move, bytes);
		}
	}
}

/** The first column, where a coalesced copy takes a range of columns from every row of input 0. */
function columnOf(ctx: LowerContext, {input, dims, read, readOffset}: Move): Dim | undefined {
	const {shape} = ctx.input(0);
	const columns = shape.at(-1);
	if (
		input !== 0 ||
		columns === undefined ||
		dims.length !== 2 ||
		read[1] !== 1 ||
		!equal(read[0]!, columns) ||
		!equal(dims[0]!, product(shape.slice(0, -1)))
	) {
		return undefined;
	}

	return lessOrEqual(add(readOffset, dims[1]!), columns, ctx.bounds) ? readOffset : undefined;
}

/** Emits the copy kernel; strides go to it in bytes. */
export function emitCopy(ctx: LowerContext, to: Operand, from: Operand, move: Move, bytes: number): void {
	const {dims, read, write} = coalesce(move);
	const scaled = (strides: readonly Dim[]): readonly Dim[] => (strides.length === 0 ? [bytes] : strides.map(stride => multiply(stride, bytes)));
	if (dims.some(dim => dim === 0)) {
		return;
	}

	ctx.call('copy_strided', {
		y: at(to, move.writeOffset, bytes),
		x: at(from, move.readOffset, bytes),
		dims: dims.length === 0 ? [1] : dims,
		write: scaled(write),
		read: scaled(read),
		rank: Math.max(1, dims.length),
		bytes,
	});
}

/** An operand from its element `index` on. */
export const at = (operand: Operand, index: Dim, bytes: number): Operand => ({...operand, offset: add(operand.offset, multiply(index, bytes))});
