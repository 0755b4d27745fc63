/**
 * The geometry of convolution and pooling: windows that slide over one to three spatial axes. Missing leading axes count as 1, so that
 * kernels and evaluation know three axes only. https://onnx.ai/onnx/operators/onnx__Conv.html
 */
import {add, ceilDivide, floorDivide, isNumber, keyOf, maximum, minimum, multiply, subtract, type Bounds, type Dim} from '../../graph/dim.js';
import type {Attributes} from '../../graph/graph.js';
import {describeShape} from '../broadcast.js';
import {flag, integers, text} from './attributes.js';
import type {Fail} from './batch.js';

export type Triple<D extends Dim = Dim> = readonly [D, D, D];

/** Padded to three axes; `output` has as many axes as the model's tensor. */
export type Window = {
	readonly output: readonly Dim[];
	readonly size: {readonly input: Triple; readonly output: Triple};
	readonly kernel: Triple;
	readonly strides: Triple<number>;
	readonly dilations: Triple<number>;
	readonly begin: Triple;
	readonly end: Triple;
};

/** What geometry needs of a context; inference, evaluation and lowering all have it. */
export type Geometric = {readonly attributes: Attributes; readonly bounds?: Bounds; fail: Fail};

const pad = <D extends Dim>(dims: readonly D[], fill: D): Triple<D> => [...Array.from({length: 3 - dims.length}, () => fill), ...dims] as unknown as Triple<D>;

export function perAxis({attributes, fail}: Geometric, name: string, rank: number, fallback: number): readonly number[] {
	const values = integers(attributes, name) ?? Array.from({length: rank}, () => fallback);
	return values.length === rank ? values : fail(`attribute ${name} does not fit the input`, {expected: `${rank} numbers`, found: String(values.length)});
}

/** The spatial axes of an input [batch, channels, …]. */
export function spatialAxes(shape: readonly Dim[], fail: Fail): readonly Dim[] {
	return shape.length >= 3 && shape.length <= 5
		? shape.slice(2)
		: fail('the input must have one to three spatial axes', {expected: '[batch, channels, …] of 3 to 5 axes', found: describeShape(shape)});
}

/** The extent of a kernel shape, from the attribute or the weights' trailing axes. */
export function kernelShape({attributes, fail}: Geometric, rank: number, weights?: readonly Dim[]): readonly number[] {
	const own = weights?.slice(2);
	const kernel = integers(attributes, 'kernel_shape') ?? own;
	if (!kernel || kernel.length !== rank || !kernel.every(isNumber) || (own && kernel.some((size, axis) => size !== own[axis]))) {
		return fail('the kernel does not fit the input', {expected: own ? describeShape(own) : `${rank} sizes`, found: kernel ? describeShape(kernel) : 'none'});
	}

	return kernel;
}

export function slide(context: Geometric, input: readonly Dim[], kernel: readonly number[]): Window {
	const rank = input.length;
	const {attributes, bounds = {}, fail} = context;
	const strides = perAxis(context, 'strides', rank, 1);
	const dilations = perAxis(context, 'dilations', rank, 1);
	const pads = integers(attributes, 'pads') ?? Array.from({length: rank * 2}, () => 0);
	if (pads.length !== rank * 2) {
		fail('attribute pads does not fit the input', {expected: `${rank * 2} numbers`, found: String(pads.length)});
	}

	const auto = text(attributes, 'auto_pad', 'NOTSET');
	const ceil = flag(attributes, 'ceil_mode');
	const axes = input.map((size, axis) => {
		const stride = strides[axis]!;
		const extent = (kernel[axis]! - 1) * dilations[axis]! + 1;
		if (stride < 1 || dilations[axis]! < 1 || extent < 1) {
			fail('strides, dilations and kernel sizes must be positive', {found: `stride ${stride}, dilation ${dilations[axis]!}, size ${kernel[axis]!}`});
		}

		if (auto === 'SAME_UPPER' || auto === 'SAME_LOWER') {
			const output = ceilDivide(size, stride);
			const total = maximum(subtract(add(multiply(subtract(output, 1), stride), extent), size), 0, bounds);
			const less = floorDivide(total, 2);
			const more = subtract(total, less);
			return auto === 'SAME_UPPER' ? {output, begin: less, end: more} : {output, begin: more, end: less};
		}

		const [begin, end] =
			auto === 'VALID'
				? [0, 0]
				: auto === 'NOTSET' || auto === ''
					? [pads[axis]!, pads[axis + rank]!]
					: fail('attribute auto_pad is unknown', {expected: 'NOTSET, SAME_UPPER, SAME_LOWER or VALID', found: auto});
		const room = add(size, begin + end - extent);
		const floored = add(floorDivide(room, stride), 1);
		// The last window must start inside the input or its leading padding.
		const output = ceil ? minimum(add(ceilDivide(room, stride), 1), add(floorDivide(add(size, begin - 1), stride), 1), bounds) : floored;
		if (isNumber(output) && output < 1) {
			fail('the kernel is larger than the padded input', {
				expected: `at least ${extent} elements on axis ${axis + 2}`,
				found: `${keyOf(size)} and ${begin + end} of padding`,
			});
		}

		return {output, begin, end};
	});
	const output = axes.map(axis => axis.output);
	return {
		output,
		size: {input: pad(input, 1), output: pad(output, 1)},
		kernel: pad<Dim>(kernel, 1),
		strides: pad(strides, 1),
		dilations: pad(dilations, 1),
		begin: pad<Dim>(
			axes.map(axis => axis.begin),
			0,
		),
		end: pad<Dim>(
			axes.map(axis => axis.end),
			0,
		),
	};
}

/** The list that kernels read (`window.h`): sizes of channels, then triples. */
export const windowNumbers = (
	window: Window,
	sizes: {readonly batch: Dim; readonly groups: number; readonly inputs: Dim; readonly outputs: Dim},
): readonly Dim[] => [
	sizes.batch,
	sizes.groups,
	sizes.inputs,
	sizes.outputs,
	...window.size.input,
	...window.size.output,
	...window.kernel,
	...window.strides,
	...window.dilations,
	...window.begin,
	...window.end,
];

type Span = {
	readonly size: Triple<number>;
	readonly kernel: Triple<number>;
	readonly strides: Triple<number>;
	readonly dilations: Triple<number>;
	readonly begin: Triple<number>;
};

/** For evaluation: calls back with each tap of the window at an output position that lies inside the input, and its input offset. */
export function forEachTap({size, kernel, strides, dilations, begin}: Span, [oz, oy, ox]: Triple<number>, visit: (tap: number, offset: number) => void): void {
	let tap = 0;
	for (let kz = 0; kz < kernel[0]; kz++) {
		const z = oz * strides[0] - begin[0] + kz * dilations[0];
		for (let ky = 0; ky < kernel[1]; ky++) {
			const y = oy * strides[1] - begin[1] + ky * dilations[1];
			for (let kx = 0; kx < kernel[2]; kx++, tap++) {
				const x = ox * strides[2] - begin[2] + kx * dilations[2];
				if (z >= 0 && z < size[0] && y >= 0 && y < size[1] && x >= 0 && x < size[2]) {
					visit(tap, (z * size[1] + y) * size[2] + x);
				}
			}
		}
	}
}

/** The window with numbers only: what evaluation has. */
export const spanOf = (window: Window): Span => ({...window, size: window.size.input}) as unknown as Span;

export function forEachPosition([depth, height, width]: Triple<number>, visit: (position: Triple<number>, index: number) => void): void {
	let index = 0;
	for (let z = 0; z < depth; z++) {
		for (let y = 0; y < height; y++) {
			for (let x = 0; x < width; x++) {
				visit([z, y, x], index++);
			}
		}
	}
}
