/**
 * Resampling along one axis: where an output position lies in the input, and which input positions it mixes.
 *
 * Interpolation is a filter: a triangle (linear) or Keys' cubic convolution (1981), stretched by 1/scale when a smaller result is to be
 * antialiased. Weights are normalised, so positions beyond the edge may repeat it or be left out.
 */
export const coordinateModes = [
	'half_pixel',
	'pytorch_half_pixel',
	'align_corners',
	'asymmetric',
	'tf_crop_and_resize',
	'tf_half_pixel_for_nn',
	'half_pixel_symmetric',
] as const;

export const nearestModes = ['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil'] as const;

export const interpolations = ['nearest', 'linear', 'cubic'] as const;

export type Sampling = {
	readonly coordinates: (typeof coordinateModes)[number];
	readonly interpolation: (typeof interpolations)[number];
	readonly rounding: (typeof nearestModes)[number];
	/** The cubic filter's parameter. */
	readonly a: number;
	readonly antialias: boolean;
	readonly excludeOutside: boolean;
};

/** One axis: sizes, the scale, and the range of interest in units of the axis. */
export type Axis = {readonly input: number; readonly output: number; readonly scale: number; readonly start: number; readonly end: number};

export function coordinate(mode: Sampling['coordinates'], {input, output, scale, start, end}: Axis, at: number): number {
	switch (mode) {
		case 'half_pixel': {
			return (at + 0.5) / scale - 0.5;
		}

		case 'pytorch_half_pixel': {
			return output > 1 ? (at + 0.5) / scale - 0.5 : 0;
		}

		case 'align_corners': {
			// The suite counts the resized length with its fraction.
			const length = scale * input;
			return length === 1 ? 0 : (at * (input - 1)) / (length - 1);
		}

		case 'asymmetric': {
			return at / scale;
		}

		case 'tf_crop_and_resize': {
			return output > 1 ? start * (input - 1) + (at * (end - start) * (input - 1)) / (output - 1) : 0.5 * (start + end) * (input - 1);
		}

		case 'tf_half_pixel_for_nn': {
			return (at + 0.5) / scale;
		}

		case 'half_pixel_symmetric': {
			return (input / 2) * (1 - output / (scale * input)) + (at + 0.5) / scale - 0.5;
		}
	}
}

export function nearest(rounding: Sampling['rounding'], x: number): number {
	const round = {
		round_prefer_floor: (v: number) => Math.ceil(v - 0.5),
		round_prefer_ceil: (v: number) => Math.floor(v + 0.5),
		floor: Math.floor,
		ceil: Math.ceil,
	};
	return round[rounding](x);
}

const triangle = (x: number): number => Math.max(0, 1 - Math.abs(x));

function cubic(x: number, a: number): number {
	const d = Math.abs(x);
	return d <= 1 ? ((a + 2) * d - (a + 3)) * d * d + 1 : d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

const clamp = (at: number, size: number): number => Math.max(0, Math.min(size - 1, at));

/** Positions and weights that make up the value at x; the weights sum to 1. */
export function taps(
	{interpolation, rounding, a, antialias, excludeOutside}: Sampling,
	{input, scale}: Axis,
	x: number,
): ReadonlyArray<readonly [position: number, weight: number]> {
	if (interpolation === 'nearest') {
		return [[clamp(nearest(rounding, x), input), 1]];
	}

	const stretch = antialias ? Math.min(scale, 1) : 1;
	const first = Math.floor(-(interpolation === 'linear' ? 1 : 2) / stretch) + 1;
	const base = Math.floor(x);
	const found: Array<[number, number]> = [];
	for (let i = first; i <= 1 - first; i++) {
		const distance = (base + i - x) * stretch;
		const outside = base + i < 0 || base + i >= input;
		found.push([clamp(base + i, input), excludeOutside && outside ? 0 : interpolation === 'linear' ? triangle(distance) : cubic(distance, a)]);
	}

	const sum = found.reduce((total, [, weight]) => total + weight, 0);
	return found.map(([position, weight]) => [position, weight / sum] as const);
}
