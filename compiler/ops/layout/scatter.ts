/**
 * ScatterElements, ScatterND and the deprecated Scatter: a copy of the data with elements replaced or combined at indices.
 * https://onnx.ai/onnx/operators/onnx__ScatterElements.html
 */
import {equal, isNumber, keyOf, multiply} from '../../graph/dim.js';
import {bytesOf, type DType} from '../../graph/dtype.js';
import {stridesOf, type Tensor} from '../../graph/tensor.js';
import type {LowerContext} from '../../plan/lower-context.js';
import {describeShape} from '../broadcast.js';
import type {EvaluateContext, Op} from '../op.js';
import {indexedAxis} from './gather-elements.js';
import {eachIndex, numbersOf, requireIndices, resolveIndex, wide} from './indices.js';
import {flat} from './move.js';
import {cells, emitCopy} from './movement.js';
import {readTensors, stringAttribute, type Reading} from './reading.js';
import {product, rowMajor} from '../../graph/shape.js';

const reductions = ['none', 'add', 'mul', 'max', 'min'];

/** The kernels' numbers for types in which they compute. */
const kernelTypes: Partial<Record<DType, number>> = {float32: 1, int32: 2, int64: 3};

const combine: ReadonlyArray<<T extends number | bigint>(a: T, b: T) => T> = [
	(_, b) => b,
	<T extends number | bigint>(a: T, b: T): T => ((a as number) + (b as number)) as T,
	<T extends number | bigint>(a: T, b: T): T => ((a as number) * (b as number)) as T,
	(a, b) => (a < b ? b : a),
	(a, b) => (b < a ? b : a),
];

/** The reduction's place in the list; fails for types in which nothing can be computed. */
function reduction(ctx: Reading): number {
	const {dtype} = ctx.input(0);
	if (ctx.input(2).dtype !== dtype) {
		ctx.fail('updates and data differ in type', {expected: dtype, found: ctx.input(2).dtype});
	}

	const kind = reductions.indexOf(stringAttribute(ctx, 'reduction', reductions));
	return kind > 0 && (dtype === 'float16' || dtype === 'bfloat16' || dtype === 'bool')
		? ctx.fail(`cannot ${reductions[kind]!} elements of this type`, {
				expected: 'float32, float64 or integers',
				found: dtype,
				hint: 'cast to float32 before and back after',
			})
		: kind;
}

/** The copy that is written to, and how one element goes in. */
function target(ctx: EvaluateContext): {readonly result: Tensor; put(at: number, update: number): void} {
	const data = ctx.input(0);
	const apply = combine[reduction(readTensors(ctx))]!;
	const result = {...data, data: data.data.slice()};
	const [to, updates] = [cells(result.data), cells(ctx.input(2).data)];
	return {
		result,
		put(at, update) {
			to[at] = apply(to[at]!, updates[update]!);
		},
	};
}

function copyData(ctx: LowerContext): {bytes: number; type: number; reduction: number} {
	const data = ctx.input(0);
	const bytes = bytesOf(data.dtype);
	const kind = reduction(ctx);
	const type = kind === 0 ? 0 : kernelTypes[data.dtype];
	if (type === undefined) {
		return ctx.fail('no kernel combines elements of this type', {expected: Object.keys(kernelTypes).join(', '), found: data.dtype});
	}

	emitCopy(ctx, ctx.output(0), data, flat(data.shape), bytes);
	return {bytes, type, reduction: kind};
}

export const scatterElements: Op = {
	name: 'ScatterElements',
	infer(ctx) {
		checkElements(ctx);
		return [ctx.input(0)];
	},
	evaluate(ctx) {
		const axis = checkElements(readTensors(ctx));
		const {result, put} = target(ctx);
		const indices = numbersOf(ctx.input(1));
		const strides = stridesOf(result.dims);
		eachIndex(ctx.input(1).dims, (coordinates, position) => {
			const index = resolveIndex(ctx, indices[position]!, result.dims[axis]!);
			put(
				coordinates.reduce((sum, at, d) => sum + (d === axis ? index : at) * strides[d]!, 0),
				position,
			);
		});
		return [result];
	},
	lower(ctx) {
		const axis = checkElements(ctx);
		const [data, indices] = [ctx.input(0), ctx.input(1)];
		const how = copyData(ctx);
		ctx.call('scatter_elements', {
			y: ctx.output(0),
			indices,
			updates: ctx.input(2),
			dims: indices.shape,
			strides: rowMajor(data.shape).map(stride => multiply(stride, how.bytes)),
			rank: data.shape.length,
			axis,
			limit: data.shape[axis]!,
			count: product(indices.shape),
			wide: wide(ctx, 1),
			...how,
		});
	},
};

function checkElements(ctx: Reading): number {
	const axis = indexedAxis(ctx);
	const [indices, updates] = [ctx.input(1).shape, ctx.input(2).shape];
	if (updates.length !== indices.length || updates.some((dim, at) => !equal(dim, indices[at]!))) {
		ctx.fail('updates and indices differ in shape', {expected: describeShape(indices), found: describeShape(updates)});
	}

	reduction(ctx);
	return axis;
}

/** Opsets 9 and 10. */
export const scatter: Op = {...scatterElements, name: 'Scatter', upgrade: ({node}) => ({...node, op: 'ScatterElements'})};

function tupleDepth(ctx: Reading): number {
	requireIndices(ctx, ctx.input(1), 1);
	const [data, indices, updates] = [ctx.input(0).shape, ctx.input(1).shape, ctx.input(2).shape];
	const depth = indices.at(-1);
	if (depth === undefined || !isNumber(depth) || depth > data.length) {
		return ctx.fail('the last axis of the indices does not fit', {
			expected: `0 to ${data.length} indices`,
			found: depth === undefined ? 'a scalar' : keyOf(depth),
		});
	}

	const wanted = [...indices.slice(0, -1), ...data.slice(depth)];
	if (updates.length !== wanted.length || updates.some((dim, at) => !equal(dim, wanted[at]!))) {
		ctx.fail('the updates do not fit indices and data', {expected: describeShape(wanted), found: describeShape(updates)});
	}

	reduction(ctx);
	return depth;
}

/** https://onnx.ai/onnx/operators/onnx__ScatterND.html */
export const scatterND: Op = {
	name: 'ScatterND',
	infer(ctx) {
		tupleDepth(ctx);
		return [ctx.input(0)];
	},
	evaluate(ctx) {
		const depth = tupleDepth(readTensors(ctx));
		const {result, put} = target(ctx);
		const indices = numbersOf(ctx.input(1));
		const strides = stridesOf(result.dims);
		const inner = result.dims.slice(depth).reduce((a, b) => a * b, 1);
		for (let tuple = 0; tuple * inner < ctx.input(2).data.length; tuple++) {
			let start = 0;
			for (let axis = 0; axis < depth; axis++) {
				start += resolveIndex(ctx, indices[tuple * depth + axis]!, result.dims[axis]!) * strides[axis]!;
			}

			for (let i = 0; i < inner; i++) {
				put(start + i, tuple * inner + i);
			}
		}

		return [result];
	},
	lower(ctx) {
		const depth = tupleDepth(ctx);
		const [data, indices] = [ctx.input(0), ctx.input(1)];
		const how = copyData(ctx);
		ctx.call('scatter_nd', {
			y: ctx.output(0),
			indices,
			updates: ctx.input(2),
			dims: data.shape.slice(0, depth),
			strides: rowMajor(data.shape)
				.slice(0, depth)
				.map(stride => multiply(stride, how.bytes)),
			count: product(indices.shape.slice(0, -1)),
			depth,
			inner: product(data.shape.slice(depth)),
			wide: wide(ctx, 1),
			...how,
		});
	},
};
