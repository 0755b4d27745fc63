/** OneHot: an axis with one value where the index is, and another elsewhere. https://onnx.ai/onnx/operators/onnx__OneHot.html */
import {isNumber, type Dim} from '../../graph/dim.js';
import {allocate, bytesOf} from '../../graph/dtype.js';
import {sizeOf} from '../../graph/tensor.js';
import type {Op} from '../op.js';
import {numbersOf} from './indices.js';
import {cells} from './movement.js';
import {concrete, integerAttribute, readTensors, resolveAxis, shapeInput, type Reading} from './reading.js';
import {product} from '../../graph/shape.js';

/** The kernel's numbers for types of indices. */
const kinds: Readonly<Record<string, number>> = {int32: 0, int64: 1, float32: 2};

type Layout = {readonly shape: readonly Dim[]; readonly outer: Dim; readonly depth: Dim; readonly inner: Dim};

function layout(ctx: Reading): Layout {
	const indices = ctx.input(0).shape;
	const axis = resolveAxis(ctx, integerAttribute(ctx, 'axis', -1), indices.length + 1);
	const constant = ctx.constant(1);
	const depth: Dim = constant ? Number(constant.data[0]) : shapeInput(ctx, 1, 'the depth')[0]!;
	if (isNumber(depth) && depth < 1) {
		ctx.fail('the depth cannot be used', {expected: '1 or more', found: String(depth)});
	}

	const [before, after] = [indices.slice(0, axis), indices.slice(axis)];
	return {shape: [...before, depth, ...after], outer: product(before), depth, inner: product(after)};
}

export const oneHot: Op = {
	name: 'OneHot',
	infer: ctx => [{dtype: ctx.input(2).dtype, shape: layout(ctx).shape}],
	evaluate(ctx) {
		const at = layout(readTensors(ctx));
		const dims = concrete(at.shape);
		const [depth, inner] = concrete([at.depth, at.inner]) as [number, number];
		const {dtype, data: values} = ctx.input(2);
		const indices = numbersOf(ctx.input(0)).map(Math.trunc);
		const output = allocate(dtype, sizeOf(dims));
		for (let position = 0; position < output.length; position++) {
			const index = indices[Math.floor(position / (depth * inner)) * inner + (position % inner)]!;
			const here = Math.floor(position / inner) % depth;
			cells(output)[position] = cells(values)[(index < 0 ? index + depth : index) === here ? 1 : 0]!;
		}

		return [{dtype, dims, data: output}];
	},
	lower(ctx) {
		const {outer, depth, inner} = layout(ctx);
		const indices = ctx.input(0);
		const kind =
			kinds[indices.dtype] ??
			ctx.fail('no kernel reads indices of this type', {expected: Object.keys(kinds).join(', '), found: indices.dtype, hint: 'cast to int64 before'});
		ctx.call('one_hot', {y: ctx.output(0), indices, values: ctx.input(2), outer, depth, inner, kind, bytes: bytesOf(ctx.input(2).dtype)});
	},
};
