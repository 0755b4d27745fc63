/** Conv over one to three spatial axes, with groups, strides, dilations and padding. https://onnx.ai/onnx/operators/onnx__Conv.html */
import {equal, floorDivide, isNumber, keyOf, multiply, type Dim} from '../../graph/dim.js';
import type {LowerContext} from '../../plan/lower-context.js';
import {describeShape} from '../broadcast.js';
import type {Op} from '../op.js';
import {integer} from './attributes.js';
import {batchRows, callMatmul, requireFloat32} from './matmul.js';
import {fromNumbers, toNumbers, type Numbers} from './numbers.js';
import {forEachPosition, forEachTap, kernelShape, slide, spanOf, spatialAxes, windowNumbers, type Geometric, type Triple, type Window} from './window.js';

export type Convolution = {
	readonly window: Window;
	readonly batch: Dim;
	readonly groups: number;
	/** Channels of one group. */
	readonly inputs: number;
	readonly outputs: number;
	readonly shape: readonly Dim[];
};

/** Weights are [outputs, inputs / groups, …kernel]. */
export function convolution(context: Geometric, x: readonly Dim[], w: readonly Dim[], bias?: readonly Dim[]): Convolution {
	const {fail} = context;
	const spatial = spatialAxes(x, fail);
	const groups = integer(context.attributes, 'group', 1);
	const [channels, inputs] = [w[0], w[1]];
	if (w.length !== x.length || !isNumber(channels!) || !isNumber(inputs!) || channels % groups !== 0 || !equal(x[1]!, inputs * groups)) {
		return fail('the weights do not fit the input', {
			expected: `[outputs, ${keyOf(floorDivide(x[1]!, groups))}, …] with outputs a multiple of ${groups} groups`,
			found: describeShape(w),
		});
	}

	if (bias && (bias.length !== 1 || bias[0] !== channels)) {
		fail('the bias does not fit the weights', {expected: `[${channels}]`, found: describeShape(bias)});
	}

	const window = slide(context, spatial, kernelShape(context, spatial.length, w));
	return {window, batch: x[0]!, groups, inputs, outputs: channels / groups, shape: [x[0]!, channels, ...window.output]};
}

/** Sums of products; `zeroX` and `zeroW` (one, or one an output channel) are subtracted first, so that padding counts as zero. */
export function convolve(
	{window, batch, groups, inputs, outputs}: Convolution,
	x: Numbers,
	w: Numbers,
	zeroX = 0,
	zeroW: ArrayLike<number> = [0],
): Float64Array {
	const span = spanOf(window);
	const size = window.size.output as Triple<number>;
	const inputSize = span.size[0] * span.size[1] * span.size[2];
	const outputSize = size[0] * size[1] * size[2];
	const taps = span.kernel[0] * span.kernel[1] * span.kernel[2];
	const y = new Float64Array((batch as number) * groups * outputs * outputSize);
	for (let image = 0; image < (batch as number); image++) {
		for (let channel = 0; channel < groups * outputs; channel++) {
			const group = Math.floor(channel / outputs);
			const zero = zeroW.length === 1 ? zeroW[0]! : zeroW[channel]!;
			const to = (image * groups * outputs + channel) * outputSize;
			forEachPosition(size, (position, index) => {
				let sum = 0;
				forEachTap(span, position, (tap, offset) => {
					for (let input = 0; input < inputs; input++) {
						sum += (x[((image * groups + group) * inputs + input) * inputSize + offset]! - zeroX) * (w[(channel * inputs + input) * taps + tap]! - zero);
					}
				});
				y[to + index] = sum;
			});
		}
	}

	return y;
}

/** Adds a value for each channel of [batch, channels, …]. */
export function addPerChannel(y: Float64Array, bias: Numbers | undefined, size: number): void {
	for (let index = 0; bias && index < y.length; index++) {
		y[index]! += bias[Math.floor(index / size) % bias.length]!;
	}
}

export const conv: Op = {
	name: 'Conv',
	infer: context => [
		{
			dtype: context.input(0).dtype,
			shape: convolution(context, context.input(0).shape, context.input(1).shape, context.has(2) ? context.input(2).shape : undefined).shape,
		},
	],
	evaluate(context) {
		const [x, w, bias] = [context.input(0), context.input(1), context.inputs[2]];
		const geometry = convolution(context, x.dims, w.dims, bias?.dims);
		const y = convolve(geometry, toNumbers(x), toNumbers(w));
		const dims = geometry.shape as number[];
		addPerChannel(
			y,
			bias && toNumbers(bias),
			dims.slice(2).reduce((a, b) => a * b, 1),
		);
		return [fromNumbers(x.dtype, dims, y)];
	},
	lower(context) {
		const [x, w, y] = [context.input(0), context.input(1), context.output(0)];
		requireFloat32(context, x, w);
		const geometry = convolution(context, x.shape, w.shape);
		if (isPointwise(geometry)) {
			lowerPointwise(context, geometry);
			return;
		}

		const bias = context.has(2);
		context.call('conv_f32', {y, x, w, bias: bias ? context.input(2) : w, has_bias: bias ? 1 : 0, shape: windowNumbers(geometry.window, geometry)});
	},
};

/** A kernel of one element that visits every position: a matrix product over the channels. */
const isPointwise = ({window: {kernel, strides, begin, end}, groups}: Convolution): boolean =>
	groups === 1 && kernel.every(size => size === 1) && strides.every(stride => stride === 1) && [...begin, ...end].every(size => size === 0);

function lowerPointwise(context: LowerContext, {window, batch, inputs, outputs}: Convolution): void {
	const [x, w, y] = [context.input(0), context.input(1), context.output(0)];
	const n = multiply(...window.size.output);
	const rows = batchRows([batch], {a: [1], b: [batch]}, {y: multiply(outputs, n), a: 0, b: multiply(inputs, n)});
	callMatmul(context, y, w, x, {m: outputs, n, k: inputs}, {y: [n, 1], a: [inputs, 1], b: [n, 1]}, rows);
	if (context.has(2)) {
		context.call('add_per_channel_f32', {y, bias: context.input(2), batch, channels: outputs, size: n});
	}
}
