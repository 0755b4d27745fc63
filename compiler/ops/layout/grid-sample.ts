/**
 * GridSample: an image read at positions that another tensor gives. https://onnx.ai/onnx/operators/onnx__GridSample.html
 *
 * Positions are computed in f32, as the kernels and ONNX Runtime do, so that ties of `nearest` fall alike.
 */
import {equal, type Dim} from '../../graph/dim.js';
import {allocate, bytesOf} from '../../graph/dtype.js';
import {sizeOf, type Tensor} from '../../graph/tensor.js';
import type {LowerContext} from '../../plan/lower-context.js';
import {describeShape} from '../broadcast.js';
import type {EvaluateContext, Op} from '../op.js';
import {cells} from './movement.js';
import {concrete, integerAttribute, readTensors, stringAttribute, type Reading} from './reading.js';
import {product} from '../../graph/shape.js';

const paddings = ['zeros', 'border', 'reflection'] as const;

type Sampling = {readonly mode: 'nearest' | 'linear' | 'cubic'; readonly padding: (typeof paddings)[number]; readonly corners: boolean};

type Layout = Sampling & {
	readonly shape: readonly Dim[];
	/** The image's axes, outermost first; the grid names them innermost first. */
	readonly image: readonly Dim[];
	readonly batch: Dim;
	readonly channels: Dim;
	/** Positions for each image. */
	readonly points: Dim;
};

/** Kernels have as many loops over neighbours. */
const MOST_AXES = 3;

function layout(ctx: Reading): Layout {
	const x = ctx.input(0);
	const grid = ctx.input(1);
	const [batch, channels, ...image] = x.shape;
	const last = grid.shape.at(-1);
	const fits = grid.shape.length === x.shape.length && last !== undefined && equal(last, image.length) && equal(grid.shape[0]!, batch!);
	if (batch === undefined || channels === undefined || image.length === 0 || image.length > MOST_AXES || !fits) {
		return ctx.fail('the grid does not fit the image', {
			expected: `[batch, channels, 1 to ${MOST_AXES} axes] and [batch, as many axes, their number]`,
			found: `${describeShape(x.shape)} and ${describeShape(grid.shape)}`,
		});
	}

	const spelling = stringAttribute(ctx, 'mode', ['linear', 'bilinear', 'nearest', 'cubic', 'bicubic']);
	const mode = spelling === 'nearest' ? 'nearest' : spelling.endsWith('cubic') ? 'cubic' : 'linear';
	if (mode !== 'nearest' && x.dtype !== 'float32' && x.dtype !== 'float64') {
		ctx.fail('elements of this type cannot be interpolated', {expected: 'float32', found: x.dtype, hint: 'cast to float32 before, or use mode nearest'});
	}

	if (grid.dtype !== 'float32' && grid.dtype !== 'float64') {
		ctx.fail('the grid has the wrong type', {expected: 'float32', found: grid.dtype, hint: 'cast to float32 before'});
	}

	const positions = grid.shape.slice(1, -1);
	return {
		mode,
		padding: stringAttribute(ctx, 'padding_mode', paddings) as Sampling['padding'],
		corners: integerAttribute(ctx, 'align_corners', 0) !== 0,
		shape: [batch, channels, ...positions],
		image,
		batch,
		channels,
		points: product(positions),
	};
}

const {fround} = Math;

const roundToEven = (x: number): number => (Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x));

/** Folded back into [low, high] as by mirrors at both ends. */
function reflect(x: number, low: number, high: number): number {
	const range = high - low;
	if (range === 0 || (x >= low && x <= high)) {
		return range === 0 ? low : x;
	}

	const beyond = fround(x < low ? low - x : x - high);
	const folds = Math.floor(fround(beyond / range));
	const rest = fround(beyond - fround(folds * range));
	return x < low === (folds % 2 === 0) ? fround(low + rest) : fround(high - rest);
}

const mirrored = ({corners}: Sampling, x: number, size: number): number => (corners ? reflect(x, 0, size - 1) : reflect(x, -0.5, size - 0.5));

const limit = (x: number, low: number, high: number): number => (x < low ? low : x > high ? high : x);

/**
 * Where a grid's number in [−1, 1] lies along an axis, in elements. As in PyTorch, padding concerns the elements around a position, not the
 * position; from two elements outside on nothing changes any more, and bounded positions keep exact distances.
 */
function place(sampling: Sampling, n: number, size: number): number {
	const {mode, padding, corners} = sampling;
	const scaled = corners ? fround(fround(fround(n + 1) / 2) * (size - 1)) : fround(fround(fround(fround(n + 1) * size) - 1) / 2);
	const x = mode === 'nearest' ? roundToEven(scaled) : scaled;
	return padding === 'reflection' ? mirrored(sampling, x, size) : limit(x, -2, size + 1);
}

/** The element at an index that may lie outside; undefined stands for zero. */
function element(sampling: Sampling, index: number, size: number): number | undefined {
	const {padding} = sampling;
	if (padding === 'zeros') {
		return index >= 0 && index < size ? index : undefined;
	}

	return Math.trunc(limit(padding === 'border' ? index : mirrored(sampling, index, size), 0, size - 1)) || 0;
}

/** Keys' cubic convolution with a = −0.75, or a triangle. */
function weight(mode: Sampling['mode'], distance: number): number {
	const d = Math.abs(distance);
	if (mode !== 'cubic') {
		return mode === 'nearest' ? 1 : 1 - d;
	}

	return d <= 1 ? (1.25 * d - 2.25) * d * d + 1 : ((-0.75 * d + 3.75) * d - 6) * d + 3;
}

type Tap = {readonly offset: number; readonly weight: number};

/** The elements around a position with their weights, along one axis after the other. */
function taps(sampling: Sampling, image: readonly number[], at: ArrayLike<number>): Tap[] {
	return image.reduce<Tap[]>(
		(outer, size, axis) => {
			const x = place(sampling, at[image.length - 1 - axis]!, size);
			const base = Math.floor(x);
			const near = {nearest: [0], linear: [0, 1], cubic: [-1, 0, 1, 2]}[sampling.mode];
			return near.flatMap(step => {
				const index = element(sampling, base + step, size);
				const factor = weight(sampling.mode, x - (base + step));
				return index === undefined ? [] : outer.map(tap => ({offset: tap.offset * size + index, weight: tap.weight * factor}));
			});
		},
		[{offset: 0, weight: 1}],
	);
}

function evaluate(ctx: EvaluateContext): Tensor[] {
	const {shape, image, batch, channels, points, ...sampling} = layout(readTensors(ctx));
	const {dtype, data} = ctx.input(0);
	const grid = ctx.input(1).data as Float32Array;
	const dims = concrete(shape);
	const made = allocate(dtype, sizeOf(dims));
	const [to, from] = [cells(made), cells(data)];
	const size = product(image) as number;
	for (let n = 0; n < (batch as number); n++) {
		for (let point = 0; point < (points as number); point++) {
			const first = (n * (points as number) + point) * image.length;
			const found = taps(sampling, image as readonly number[], grid.subarray(first, first + image.length));
			for (let channel = 0; channel < (channels as number); channel++) {
				const plane = n * (channels as number) + channel;
				if (sampling.mode !== 'nearest') {
					to[plane * (points as number) + point] = found.reduce((sum, tap) => sum + tap.weight * from[plane * size + tap.offset]!, 0);
				} else if (found.length > 0) {
					to[plane * (points as number) + point] = from[plane * size + found[0]!.offset]!;
				}
			}
		}
	}

	return [{dtype, dims, data: made}];
}

function lower(ctx: LowerContext): void {
	const {mode, padding, corners, image, batch, channels, points} = layout(ctx);
	const [x, grid] = [ctx.input(0), ctx.input(1)];
	if (grid.dtype !== 'float32' || (mode !== 'nearest' && x.dtype !== 'float32')) {
		ctx.fail('no kernel samples elements of these types', {expected: 'float32', found: `${x.dtype} and ${grid.dtype}`});
	}

	const [width, height = 1, depth = 1] = [...image].reverse();
	const common = {
		y: ctx.output(0),
		x,
		grid,
		batch,
		channels,
		depth,
		height,
		width: width!,
		points,
		axes: image.length,
		padding: paddings.indexOf(padding),
		corners: corners ? 1 : 0,
	};
	if (mode === 'nearest') {
		ctx.call('grid_sample_nearest', {...common, bytes: bytesOf(x.dtype)});
	} else {
		ctx.call('grid_sample_f32', {...common, cubic: mode === 'cubic' ? 1 : 0});
	}
}

export const gridSample: Op = {name: 'GridSample', infer: ctx => [{dtype: ctx.input(0).dtype, shape: layout(ctx).shape}], evaluate, lower};
