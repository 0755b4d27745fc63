/** TopK: the largest or smallest elements along an axis, sorted; the earlier of equal ones. https://onnx.ai/onnx/operators/onnx__TopK.html */
import {keyOf, lessOrEqual, multiply, type Dim} from '../../graph/dim.js';
import {allocate, bytesOf, type DType} from '../../graph/dtype.js';
import {int64, sizeOf} from '../../graph/tensor.js';
import type {Op} from '../op.js';
import {cells} from './movement.js';
import {concrete, integerAttribute, readTensors, resolveAxis, shapeInput, type Reading} from './reading.js';
import {attributesToInputs} from './upgrade.js';
import {product} from '../../graph/shape.js';

const kernels: Partial<Record<DType, string>> = {
	float32: 'top_k_f32',
	float64: 'top_k_f64',
	int64: 'top_k_i64',
	uint64: 'top_k_u64',
	int32: 'top_k_i32',
	uint32: 'top_k_u32',
	int16: 'top_k_i16',
	uint16: 'top_k_u16',
	int8: 'top_k_i8',
	uint8: 'top_k_u8',
};

type Layout = {readonly shape: readonly Dim[]; readonly outer: Dim; readonly size: Dim; readonly inner: Dim; readonly k: Dim; readonly largest: boolean};

function layout(ctx: Reading): Layout {
	const {shape, dtype} = ctx.input(0);
	if (dtype === 'float16' || dtype === 'bfloat16') {
		ctx.fail('elements of this type cannot be compared', {expected: 'float32, float64 or integers', found: dtype, hint: 'cast to float32 before'});
	}

	const axis = resolveAxis(ctx, integerAttribute(ctx, 'axis', -1), shape.length);
	const k = shapeInput(ctx, 1, 'k')[0]!;
	if (lessOrEqual(k, shape[axis]!, ctx.bounds) === false) {
		ctx.fail('k is larger than the axis', {expected: `at most ${keyOf(shape[axis]!)}`, found: keyOf(k)});
	}

	return {
		shape: shape.with(axis, k),
		outer: product(shape.slice(0, axis)),
		size: shape[axis]!,
		inner: product(shape.slice(axis + 1)),
		k,
		largest: integerAttribute(ctx, 'largest', 1) !== 0,
	};
}

export const topK: Op = {
	name: 'TopK',
	upgrade: ctx => (ctx.opset < 10 ? attributesToInputs(ctx, [undefined, {attribute: 'k', tensor: int64}]) : ctx.node),
	infer(ctx) {
		const {shape} = layout(ctx);
		return [
			{dtype: ctx.input(0).dtype, shape},
			{dtype: 'int64', shape},
		];
	},
	evaluate(ctx) {
		const at = layout(readTensors(ctx));
		const dims = concrete(at.shape);
		const [outer, size, inner, k] = concrete([at.outer, at.size, at.inner, at.k]) as [number, number, number, number];
		const {dtype, data} = ctx.input(0);
		const values = allocate(dtype, sizeOf(dims));
		const indices = new BigInt64Array(sizeOf(dims));
		const from = cells(data);
		for (let line = 0; line < outer * inner; line++) {
			const block = Math.floor(line / inner);
			const element = (i: number): number => from[(block * size + i) * inner + (line % inner)]!;
			const order = Array.from({length: size}, (_, i) => i).sort((a, b) => {
				const [x, y] = [element(a), element(b)];
				return x === y ? a - b : x > y === at.largest ? -1 : 1;
			});
			for (let i = 0; i < k; i++) {
				const position = (block * k + i) * inner + (line % inner);
				cells(values)[position] = element(order[i]!);
				indices[position] = BigInt(order[i]!);
			}
		}

		return [
			{dtype, dims, data: values},
			{dtype: 'int64', dims, data: indices},
		];
	},
	lower(ctx) {
		const {outer, size, inner, k, largest} = layout(ctx);
		const x = ctx.input(0);
		const kernel = kernels[x.dtype] ?? ctx.fail('no kernel sorts elements of this type', {expected: Object.keys(kernels).join(', '), found: x.dtype});
		const place = (index: number, bytes: number) => (ctx.wants(index) ? ctx.output(index) : ctx.scratch(multiply(outer, k, inner, bytes)));
		ctx.call(kernel, {y: place(0, bytesOf(x.dtype)), indices: place(1, 8), x, outer, size, inner, k, sign: largest ? 1 : -1});
	},
};
