/** Shape and Size: dimensions as tensors. Known elements make them vanish; what a model returns is written by a kernel. */
import {evaluate, type Dim} from '../../graph/dim.js';
import {int64} from '../../graph/tensor.js';
import type {LowerContext} from '../../plan/lower-context.js';
import type {Op} from '../op.js';
import {integerAttribute, readTensors, type Reading} from './reading.js';
import {product} from '../../graph/shape.js';

const dimensionOp = (name: string, describe: (ctx: Reading) => {readonly shape: readonly number[]; readonly value: readonly Dim[]}): Op => ({
	name,
	infer: ctx => [{dtype: 'int64', ...describe(ctx)}],
	evaluate(ctx) {
		const {shape, value} = describe(readTensors(ctx));
		return [
			int64(
				shape,
				value.map(dim => evaluate(dim, {})),
			),
		];
	},
	lower(ctx: LowerContext) {
		const {value} = describe(ctx);
		if (value.length > 0) {
			ctx.call('store_int64', {y: ctx.output(0), values: value, count: value.length});
		}
	},
});

/** https://onnx.ai/onnx/operators/onnx__Shape.html: `start` and `end` are clamped, as in a slice. */
export const shape = dimensionOp('Shape', ctx => {
	const dims = ctx.input(0).shape;
	const clamp = (at: number): number => Math.max(0, Math.min(dims.length, at < 0 ? at + dims.length : at));
	const value = dims.slice(clamp(integerAttribute(ctx, 'start', 0)), clamp(integerAttribute(ctx, 'end', dims.length)));
	return {shape: [value.length], value};
});

export const size = dimensionOp('Size', ctx => ({shape: [], value: [product(ctx.input(0).shape)]}));
