/**
 * MaxPool, AveragePool and LpPool over one to three spatial axes. https://onnx.ai/onnx/operators/onnx__MaxPool.html
 * Averages divide by the taps inside the input, or with count_include_pad by those inside the padded input.
 */
import {multiply} from '../../graph/dim.js';
import {allocate, type DType} from '../../graph/dtype.js';
import {sizeOf, type Tensor} from '../../graph/tensor.js';
import type {EvaluateContext, InferContext, Op} from '../op.js';
import type {LowerContext} from '../../plan/lower-context.js';
import {flag, integer} from './attributes.js';
import {requireFloat32} from './matmul.js';
import {fromNumbers, toNumbers} from './numbers.js';
import {forEachPosition, forEachTap, kernelShape, slide, spanOf, spatialAxes, windowNumbers, type Triple, type Window} from './window.js';

const windowOf = (context: InferContext): Window => {
	const spatial = spatialAxes(context.input(0).shape, context.fail);
	return slide(context, spatial, kernelShape(context, spatial.length));
};

const inferPool = (context: InferContext) => {
	const {dtype, shape} = context.input(0);
	return [{dtype, shape: [shape[0]!, shape[1]!, ...windowOf(context).output]}];
};

/** Calls `reduce` with the input offsets of each window and how many taps lie in the padded input. */
function pool(context: EvaluateContext, x: Tensor, reduce: (offsets: readonly number[], inPadded: number) => number): Tensor {
	const spatial = spatialAxes(x.dims, context.fail);
	const window = slide(context, spatial, kernelShape(context, spatial.length));
	const span = spanOf(window);
	const [begin, end] = [window.begin as Triple<number>, window.end as Triple<number>];
	const padded = {...span, begin: [0, 0, 0] as const, size: span.size.map((size, axis) => size + begin[axis]! + end[axis]!) as unknown as Triple<number>};
	const plane = span.size[0] * span.size[1] * span.size[2];
	const size = window.size.output as Triple<number>;
	const planes = x.dims[0]! * x.dims[1]!;
	const points = size[0] * size[1] * size[2];
	const y = new Float64Array(planes * points);
	for (let channel = 0; channel < planes; channel++) {
		forEachPosition(size, (position, index) => {
			const offsets: number[] = [];
			let inPadded = 0;
			forEachTap(span, position, (_, offset) => offsets.push(channel * plane + offset));
			forEachTap(padded, position, () => inPadded++);
			y[channel * points + index] = reduce(offsets, inPadded);
		});
	}

	return fromNumbers(x.dtype, [x.dims[0]!, x.dims[1]!, ...(window.output as number[])], y);
}

/** The numbers of the kernel: every channel of every image is a plane of its own. */
function poolNumbers(context: LowerContext) {
	const {shape} = context.input(0);
	const spatial = spatialAxes(shape, context.fail);
	return windowNumbers(slide(context, spatial, kernelShape(context, spatial.length)), {
		batch: multiply(shape[0]!, shape[1]!),
		groups: 1,
		inputs: 1,
		outputs: 1,
	});
}

const maxKernels: Partial<Record<DType, string>> = {float32: 'max_pool_f32', int8: 'max_pool_i8', uint8: 'max_pool_u8'};

/** The index of an element counted with the last two axes' order turned around (storage_order 1). */
function columnMajor(index: number, dims: readonly number[]): number {
	const spatial = dims.slice(2);
	const plane = sizeOf(spatial);
	let rest = index % plane;
	let result = 0;
	const at = [...spatial]
		.reverse()
		.map(size => {
			const coordinate = rest % size;
			rest = Math.floor(rest / size);
			return coordinate;
		})
		.reverse();
	for (let axis = spatial.length - 1; axis >= 0; axis--) {
		result = result * spatial[axis]! + at[axis]!;
	}

	return index - (index % plane) + result;
}

export const maxPool: Op = {
	name: 'MaxPool',
	infer(context) {
		const [y] = inferPool(context);
		return [y!, {dtype: 'int64', shape: y!.shape}];
	},
	evaluate(context) {
		const x = context.input(0);
		const values = toNumbers(x);
		const where: number[] = [];
		const y = pool(context, x, offsets => {
			const best = offsets.reduce((a, b) => (values[b]! > values[a]! || Number.isNaN(values[b]!) ? b : a), offsets[0] ?? 0);
			where.push(best);
			return values[best]!;
		});
		const indices = allocate('int64', where.length);
		const turned = integer(context.attributes, 'storage_order', 0) === 1;
		for (const [index, at] of where.entries()) {
			indices[index] = BigInt(turned ? columnMajor(at, x.dims) : at);
		}

		return [y, {dtype: 'int64', dims: y.dims, data: indices}];
	},
	lower(context) {
		const [x, y] = [context.input(0), context.output(0)];
		const shape = poolNumbers(context);
		if (context.wants(1)) {
			requireFloat32(context, x);
			context.call('max_pool_indices_f32', {y, indices: context.output(1), x, column_major: integer(context.attributes, 'storage_order', 0), shape});
			return;
		}

		const kernel = maxKernels[x.dtype] ?? context.fail('no kernel for this type', {expected: Object.keys(maxKernels).join(', '), found: x.dtype});
		context.call(kernel, {y, x, shape});
	},
};

export const averagePool: Op = {
	name: 'AveragePool',
	infer: inferPool,
	evaluate(context) {
		const x = context.input(0);
		const values = toNumbers(x);
		const all = flag(context.attributes, 'count_include_pad');
		return [pool(context, x, (offsets, inPadded) => offsets.reduce((sum, offset) => sum + values[offset]!, 0) / (all ? inPadded : offsets.length))];
	},
	lower(context) {
		const [x, y] = [context.input(0), context.output(0)];
		requireFloat32(context, x);
		context.call('average_pool_f32', {y, x, count_padding: flag(context.attributes, 'count_include_pad') ? 1 : 0, shape: poolNumbers(context)});
	},
};

export const lpPool: Op = {
	name: 'LpPool',
	infer: inferPool,
	evaluate(context) {
		const x = context.input(0);
		const values = toNumbers(x);
		const p = integer(context.attributes, 'p', 2);
		return [pool(context, x, offsets => offsets.reduce((sum, offset) => sum + Math.abs(values[offset]!) ** p, 0) ** (1 / p))];
	},
	lower(context) {
		const [x, y] = [context.input(0), context.output(0)];
		requireFloat32(context, x);
		const p = integer(context.attributes, 'p', 2);
		if (p !== 1 && p !== 2) {
			context.fail('no kernel for this norm', {expected: 'attribute p of 1 or 2', found: String(p)});
		}

		context.call('lp_pool_f32', {y, x, p, shape: poolNumbers(context)});
	},
};
