/** ConvTranspose: each input element spreads the kernel over the output. https://onnx.ai/onnx/operators/onnx__ConvTranspose.html */
import {add, equal, floorDivide, isNumber, keyOf, maximum, multiply, subtract, type Dim} from '../../graph/dim.js';
import {describeShape} from '../broadcast.js';
import type {Op} from '../op.js';
import {integer, integers, text} from './attributes.js';
import {addPerChannel, type Convolution} from './conv.js';
import {requireFloat32} from './matmul.js';
import {fromNumbers, toNumbers} from './numbers.js';
import {forEachPosition, forEachTap, kernelShape, perAxis, spanOf, spatialAxes, windowNumbers, type Geometric, type Triple, type Window} from './window.js';

/**
 * The geometry of the convolution that this one transposes: its windows slide over our *output*, one for each input position. Weights
 * are [inputs, outputs / groups, …kernel].
 */
function transposedConvolution(context: Geometric, x: readonly Dim[], w: readonly Dim[]): Convolution {
	const {attributes, bounds = {}, fail} = context;
	const spatial = spatialAxes(x, fail);
	const rank = spatial.length;
	const groups = integer(attributes, 'group', 1);
	const [channels, outputs] = [w[0], w[1]];
	if (w.length !== x.length || !isNumber(channels!) || !isNumber(outputs!) || channels % groups !== 0 || !equal(x[1]!, channels)) {
		return fail('the weights do not fit the input', {expected: `[${keyOf(x[1]!)}, outputs / groups, …]`, found: describeShape(w)});
	}

	const kernel = kernelShape(context, rank, w);
	const strides = perAxis(context, 'strides', rank, 1);
	const dilations = perAxis(context, 'dilations', rank, 1);
	const extra = perAxis(context, 'output_padding', rank, 0);
	const pads = integers(attributes, 'pads') ?? Array.from({length: rank * 2}, () => 0);
	const wanted = integers(attributes, 'output_shape');
	const auto = text(attributes, 'auto_pad', 'NOTSET');
	const same = auto === 'SAME_UPPER' || auto === 'SAME_LOWER';
	const axes = spatial.map((size, axis) => {
		const full = add(multiply(strides[axis]!, subtract(size, 1)), extra[axis]! + (kernel[axis]! - 1) * dilations[axis]! + 1);
		if (wanted || same) {
			const output = wanted ? wanted[axis + wanted.length - rank]! : multiply(size, strides[axis]!);
			const total = maximum(subtract(full, output), 0, bounds);
			const half = floorDivide(total, 2);
			return {output, begin: auto === 'SAME_UPPER' ? half : subtract(total, half)};
		}

		const [begin, end] = auto === 'VALID' ? [0, 0] : [pads[axis]!, pads[axis + rank]!];
		return {output: subtract(full, begin + end), begin};
	});
	const pad = (dims: readonly Dim[], fill: number): Triple => [...Array.from({length: 3 - rank}, () => fill), ...dims] as unknown as Triple;
	const output = axes.map(axis => axis.output);
	const window: Window = {
		output,
		size: {input: pad(output, 1), output: pad(spatial, 1)},
		kernel: pad(kernel, 1),
		strides: pad(strides, 1) as Triple<number>,
		dilations: pad(dilations, 1) as Triple<number>,
		begin: pad(
			axes.map(axis => axis.begin),
			0,
		),
		end: [0, 0, 0],
	};
	return {window, batch: x[0]!, groups, inputs: channels / groups, outputs, shape: [x[0]!, outputs * groups, ...output]};
}

export const convTranspose: Op = {
	name: 'ConvTranspose',
	infer: context => [{dtype: context.input(0).dtype, shape: transposedConvolution(context, context.input(0).shape, context.input(1).shape).shape}],
	evaluate(context) {
		const [x, w, bias] = [context.input(0), context.input(1), context.inputs[2]];
		const {window, batch, groups, inputs, outputs, shape} = transposedConvolution(context, x.dims, w.dims);
		const dims = shape as number[];
		const span = spanOf(window);
		const positions = window.size.output as Triple<number>;
		const [from, to] = [positions[0] * positions[1] * positions[2], span.size[0] * span.size[1] * span.size[2]];
		const taps = span.kernel[0] * span.kernel[1] * span.kernel[2];
		const [data, weights] = [toNumbers(x), toNumbers(w)];
		const y = new Float64Array(dims.reduce((a, b) => a * b, 1));
		for (let image = 0; image < (batch as number); image++) {
			for (let channel = 0; channel < groups * inputs; channel++) {
				const group = Math.floor(channel / inputs);
				forEachPosition(positions, (position, index) => {
					const value = data[(image * groups * inputs + channel) * from + index]!;
					forEachTap(span, position, (tap, offset) => {
						for (let output = 0; output < outputs; output++) {
							y[((image * groups + group) * outputs + output) * to + offset]! += value * weights[(channel * outputs + output) * taps + tap]!;
						}
					});
				});
			}
		}

		addPerChannel(y, bias && toNumbers(bias), to);
		return [fromNumbers(x.dtype, dims, y)];
	},
	lower(context) {
		const [x, w, y] = [context.input(0), context.input(1), context.output(0)];
		requireFloat32(context, x, w);
		const geometry = transposedConvolution(context, x.shape, w.shape);
		const bias = context.has(2);
		context.call('conv_transpose_f32', {y, x, w, bias: bias ? context.input(2) : w, has_bias: bias ? 1 : 0, shape: windowNumbers(geometry.window, geometry)});
	},
};
