/** condition ? a : b over three tensors that broadcast. https://onnx.ai/onnx/operators/onnx__Where.html */
import {equal} from '../../graph/dim.js';
import {allocate, type TypedArray} from '../../graph/dtype.js';
import {sizeOf} from '../../graph/tensor.js';
import {broadcastDims, broadcastIndices, broadcastLoops, broadcastShapes} from '../broadcast.js';
import type {Op} from '../op.js';
import {commonType} from './binary.js';
import {bitsSuffix} from './kernel-type.js';
import {elementwise, isTrue, type Known} from './symbolic.js';

export const where: Op = {
	name: 'Where',
	infer(context) {
		const condition = context.input(0);
		if (condition.dtype !== 'bool') {
			context.fail('the condition has a wrong type', {expected: 'bool', found: condition.dtype});
		}

		const dtype = commonType(context, 1);
		const shape = broadcastShapes(context, condition.shape, context.input(1).shape, context.input(2).shape);
		return [
			elementwise(context, {dtype, shape}, [0, 1, 2], ([c, a, b], bounds): Known => {
				const chosen = c === undefined ? undefined : isTrue(c, bounds);
				const same = a !== undefined && b !== undefined && equal(a, b);
				return chosen === undefined ? (same ? a : undefined) : chosen === 1 ? a : b;
			}),
		];
	},
	evaluate(context) {
		const [condition, a, b] = [context.input(0), context.input(1), context.input(2)];
		const dims = broadcastDims(context, condition.dims, a.dims, b.dims);
		const [c, readA, readB] = [condition, a, b].map(x => broadcastIndices(x.dims, dims)) as [Uint32Array, Uint32Array, Uint32Array];
		const data: TypedArray = allocate(a.dtype, sizeOf(dims));
		for (let i = 0; i < data.length; i++) {
			data[i] = condition.data[c[i]!] ? a.data[readA[i]!]! : b.data[readB[i]!]!;
		}

		return [{dtype: a.dtype, dims, data}];
	},
	lower(context) {
		const [condition, a, b, y] = [context.input(0), context.input(1), context.input(2), context.output(0)];
		const {dims, strides} = broadcastLoops(y.shape, [condition.shape, a.shape, b.shape]);
		context.call(`where_${bitsSuffix(y.dtype)}`, {
			y,
			condition,
			a,
			b,
			rank: dims.length,
			dims,
			strides_condition: strides[0]!,
			strides_a: strides[1]!,
			strides_b: strides[2]!,
		});
	},
};
