/** Col2Im: sliding blocks summed back into an image, the transpose of im2col. https://onnx.ai/onnx/operators/onnx__Col2Im.html */
import {divideExactly, equal, keyOf, type Dim} from '../../graph/dim.js';
import {describeShape} from '../broadcast.js';
import type {Op} from '../op.js';
import {eachIndex} from './indices.js';
import {concrete, numbersAttribute, numericInput, readTensors, type Reading} from './reading.js';
import {product} from '../../graph/shape.js';

type Layout = {
	readonly shape: readonly Dim[];
	readonly image: readonly number[];
	readonly block: readonly number[];
	/** Blocks along each axis. */
	readonly counts: readonly number[];
	readonly dilations: readonly number[];
	readonly strides: readonly number[];
	readonly pads: readonly number[];
	/** Batches times channels. */
	readonly planes: Dim;
};

function layout(ctx: Reading): Layout {
	const {shape, dtype} = ctx.input(0);
	if (dtype !== 'float32') {
		ctx.fail('blocks of this type cannot be summed', {expected: 'float32', found: dtype, hint: 'cast to float32 before'});
	}

	const image = numericInput(ctx, 1, 'the image shape');
	const block = numericInput(ctx, 2, 'the block shape');
	const dilations = numbersAttribute(ctx, 'dilations') ?? image.map(() => 1);
	const strides = numbersAttribute(ctx, 'strides') ?? image.map(() => 1);
	const pads = numbersAttribute(ctx, 'pads') ?? [...image, ...image].map(() => 0);
	const counts = image.map(
		(size, axis) => Math.floor((size + pads[axis]! + pads[axis + image.length]! - dilations[axis]! * (block[axis]! - 1) - 1) / strides[axis]!) + 1,
	);
	const channels = divideExactly(shape[1] ?? 0, product(block));
	if (shape.length !== 3 || channels === undefined || !equal(shape[2]!, product(counts))) {
		return ctx.fail('the columns do not fit the image', {
			expected: `[batch, multiple of ${keyOf(product(block))}, ${keyOf(product(counts))}]`,
			found: describeShape(shape),
		});
	}

	return {shape: [shape[0]!, channels, ...image], image, block, counts, dilations, strides, pads, planes: product([shape[0]!, channels])};
}

export const col2im: Op = {
	name: 'Col2Im',
	infer: ctx => [{dtype: ctx.input(0).dtype, shape: layout(ctx).shape}],
	evaluate(ctx) {
		const {shape, image, block, counts, dilations, strides, pads, planes} = layout(readTensors(ctx));
		const x = ctx.input(0).data as Float32Array;
		const dims = concrete(shape);
		const size = image.reduce((a, b) => a * b, 1);
		const output = new Float32Array((planes as number) * size);
		const rank = image.length;
		eachIndex([planes as number, ...block, ...counts], (at, position) => {
			let target = 0;
			for (let axis = 0; axis < rank; axis++) {
				const i = at[1 + rank + axis]! * strides[axis]! - pads[axis]! + at[1 + axis]! * dilations[axis]!;
				if (i < 0 || i >= image[axis]!) {
					return;
				}

				target = target * image[axis]! + i;
			}

			output[at[0]! * size + target]! += x[position]!;
		});
		return [{dtype: 'float32', dims, data: output}];
	},
	lower(ctx) {
		const {image, block, counts, dilations, strides, pads, planes} = layout(ctx);
		ctx.call('col2im_f32', {y: ctx.output(0), x: ctx.input(0), image, block, counts, dilations, strides, pads, rank: image.length, planes});
	},
};
