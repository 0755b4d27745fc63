/**
 * Resize, and Upsample of old opsets: one resampling an axis after the other. https://onnx.ai/onnx/operators/onnx__Resize.html
 */
import {floorDivide, isNumber, keyOf, multiply, type Dim} from '../../graph/dim.js';
import {allocate, bytesOf} from '../../graph/dtype.js';
import {float32, sizeOf, type Tensor} from '../../graph/tensor.js';
import type {LowerContext, Operand} from '../../plan/lower-context.js';
import {describeShape} from '../broadcast.js';
import type {EvaluateContext, Op, UpgradeContext} from '../op.js';
import {bitsOf, scalar} from './element.js';
import {cells} from './movement.js';
import {concrete, integerAttribute, numbersAttribute, readTensors, resolveAxes, shapeInput, stringAttribute, type Reading} from './reading.js';
import {coordinate, coordinateModes, interpolations, nearestModes, taps, type Sampling} from './resample.js';
import {attributesToInputs} from './upgrade.js';
import {product} from '../../graph/shape.js';

/** An axis that changes. The scale is `scale`, or `over / under` where sizes were given. */
type Change = {
	readonly axis: number;
	readonly output: Dim;
	readonly scale: number | undefined;
	readonly over: Dim;
	readonly under: Dim;
	readonly start: number;
	readonly end: number;
};

type Layout = {readonly shape: readonly Dim[]; readonly changes: readonly Change[]; readonly sampling: Sampling; readonly extrapolation: number};

const realAttribute = (ctx: Reading, name: string, fallback: number): number => integerAttribute(ctx, name, fallback);

function samplingOf(ctx: Reading): Sampling {
	const choose = <T extends string>(name: string, choices: readonly T[]): T => stringAttribute(ctx, name, choices) as T;
	const sampling: Sampling = {
		coordinates: choose('coordinate_transformation_mode', coordinateModes),
		interpolation: choose('mode', interpolations),
		rounding: choose('nearest_mode', nearestModes),
		a: realAttribute(ctx, 'cubic_coeff_a', -0.75),
		antialias: integerAttribute(ctx, 'antialias', 0) !== 0,
		excludeOutside: integerAttribute(ctx, 'exclude_outside', 0) !== 0,
	};
	const {dtype} = ctx.input(0);
	if (sampling.interpolation !== 'nearest' && dtype !== 'float32' && dtype !== 'float64') {
		ctx.fail('elements of this type cannot be interpolated', {expected: 'float32', found: dtype, hint: 'cast to float32 before, or use mode nearest'});
	}

	return sampling;
}

/** A list of floats that must be known; undefined where it is absent or empty. */
function floats(ctx: Reading, index: number, what: string): readonly number[] | undefined {
	if (!ctx.has(index) || ctx.input(index).shape[0] === 0) {
		return undefined;
	}

	const constant = ctx.constant(index);
	return constant ? Array.from(constant.data as ArrayLike<number>, Number) : (shapeInput(ctx, index, what) as readonly number[]);
}

function layout(ctx: Reading): Layout {
	const {shape} = ctx.input(0);
	const sampling = samplingOf(ctx);
	const axes = resolveAxes(ctx, numbersAttribute(ctx, 'axes') ?? shape.map((_, axis) => axis), shape.length);
	const crop = sampling.coordinates === 'tf_crop_and_resize';
	const roi = crop
		? (floats(ctx, 1, 'the range of interest') ?? ctx.fail('the range of interest is missing', {expected: `${2 * axes.length} numbers`}))
		: undefined;
	const scales = floats(ctx, 2, 'the scales');
	const sizes = ctx.has(3) ? shapeInput(ctx, 3, 'the sizes') : undefined;
	const given = scales ?? sizes ?? ctx.fail('neither scales nor sizes are given', {expected: 'one of them'});
	if (given.length !== axes.length) {
		ctx.fail('scales or sizes do not match the axes', {expected: `${axes.length} numbers`, found: String(given.length)});
	}

	const resized = [...shape];
	const ratio = sizes && !scales ? aspect(ctx, axes, sizes) : undefined;
	const changes = axes.flatMap((axis, at): Change[] => {
		const dim = shape[axis]!;
		const [start, end] = roi ? [roi[at]!, roi[at + axes.length]!] : [0, 1];
		const scale = scales?.[at];
		const output =
			scale === undefined
				? ratio
					? Math.floor((ratio.over * (dim as number)) / ratio.under + 0.5)
					: sizes![at]!
				: scaled(ctx, dim, scale * (crop ? end - start : 1));
		resized[axis] = output;
		const same = keyOf(output) === keyOf(dim) && (scale ?? 1) === 1 && !ratio && !crop;
		return same ? [] : [{axis, output, scale, over: ratio?.over ?? output, under: ratio?.under ?? dim, start, end}];
	});
	return {shape: resized, changes, sampling, extrapolation: realAttribute(ctx, 'extrapolation_value', 0)};
}

/** floor(dim × scale); a scale is a fraction with a power of two below. */
function scaled(ctx: Reading, dim: Dim, scale: number): Dim {
	if (isNumber(dim)) {
		return Math.floor(dim * scale);
	}

	let under = 1;
	while (!Number.isInteger(scale * under) && under < 2 ** 15) {
		under *= 2;
	}

	const over = scale * under;
	return Number.isInteger(over) && over < 2 ** 15
		? floorDivide(multiply(dim, over), under)
		: ctx.fail('a symbolic axis cannot be scaled so', {
				expected: 'a fraction of small numbers',
				found: `${scale} × ${keyOf(dim)}`,
				hint: 'fix the axis with --dim',
			});
}

/** The one scale for all axes under a keep_aspect_ratio_policy. */
function aspect(ctx: Reading, axes: readonly number[], sizes: readonly Dim[]): {readonly over: number; readonly under: number} | undefined {
	const policy = stringAttribute(ctx, 'keep_aspect_ratio_policy', ['stretch', 'not_larger', 'not_smaller']);
	if (policy === 'stretch') {
		return undefined;
	}

	const {shape} = ctx.input(0);
	const ratios = axes.map((axis, at) => {
		const [over, under] = [sizes[at]!, shape[axis]!];
		return isNumber(over) && isNumber(under)
			? {over, under}
			: ctx.fail('the aspect ratio of symbolic sizes is not known', {expected: 'numbers', found: describeShape(shape), hint: 'fix the axes with --dim'});
	});
	const better = (a: number, b: number): boolean => (policy === 'not_larger' ? a < b : a > b);
	return ratios.reduce((best, ratio) => (better(ratio.over / ratio.under, best.over / best.under) ? ratio : best));
}

function evaluate(ctx: EvaluateContext): Tensor[] {
	const {shape, changes, sampling, extrapolation} = layout(readTensors(ctx));
	const {dtype, dims, data} = ctx.input(0);
	const outside = cells(scalar(dtype, extrapolation).data)[0]!;
	let [now, current] = [[...dims], data];
	for (const {axis, output, scale, over, under, start, end} of changes) {
		const extent = {input: now[axis]!, output: output as number, scale: scale ?? (over as number) / (under as number), start, end};
		const next = now.with(axis, extent.output);
		const made = allocate(dtype, sizeOf(next));
		const [to, from] = [cells(made), cells(current)];
		const inner = sizeOf(now.slice(axis + 1));
		const outer = sizeOf(now.slice(0, axis));
		for (let at = 0; at < extent.output; at++) {
			const x = coordinate(sampling.coordinates, extent, at);
			const beyond = sampling.coordinates === 'tf_crop_and_resize' && (x < 0 || x > extent.input - 1);
			const mixed = taps(sampling, extent, x);
			for (let line = 0; line < outer * inner; line++) {
				const [block, i] = [Math.floor(line / inner), line % inner];
				const element = (position: number): number => from[(block * extent.input + position) * inner + i]!;
				const value =
					sampling.interpolation === 'nearest' ? element(mixed[0]![0]) : mixed.reduce((sum, [position, weight]) => sum + weight * element(position), 0);
				to[(block * extent.output + at) * inner + i] = beyond ? outside : value;
			}
		}

		[now, current] = [next, made];
	}

	return [{dtype, dims: concrete(shape), data: current}];
}

function lower(ctx: LowerContext): void {
	const {changes, sampling, extrapolation} = layout(ctx);
	const {dtype, shape} = ctx.input(0);
	if (changes.length === 0) {
		ctx.alias(0, 0);
		return;
	}

	if (sampling.interpolation !== 'nearest' && dtype !== 'float32') {
		ctx.fail('no kernel interpolates elements of this type', {expected: 'float32', found: dtype});
	}

	const bytes = bytesOf(dtype);
	let now: readonly Dim[] = shape;
	let x: Operand = ctx.input(0);
	for (const [index, {axis, output, scale, over, under, start, end}] of changes.entries()) {
		const next = now.with(axis, output);
		const y = index === changes.length - 1 ? ctx.output(0) : ctx.scratch(multiply(product(next), bytes));
		const common = {
			y,
			x,
			outer: product(now.slice(0, axis)),
			input: now[axis]!,
			output,
			inner: product(now.slice(axis + 1)),
			scale: scale ?? 0,
			over,
			under,
			start,
			end,
			coordinates: coordinateModes.indexOf(sampling.coordinates),
		};
		if (sampling.interpolation === 'nearest') {
			ctx.call('resize_nearest', {...common, outside: bitsOf(scalar(dtype, extrapolation)), rounding: nearestModes.indexOf(sampling.rounding), bytes});
		} else {
			ctx.call('resize_f32', {
				...common,
				outside: extrapolation,
				cubic: sampling.interpolation === 'cubic' ? 1 : 0,
				a: sampling.a,
				antialias: sampling.antialias ? 1 : 0,
				exclude: sampling.excludeOutside ? 1 : 0,
			});
		}

		[now, x] = [next, y];
	}
}

/** Opset 10 knew scales only, and no half pixels. */
function upgradeResize(ctx: UpgradeContext): UpgradeContext['node'] {
	if (ctx.opset >= 11) {
		return ctx.node;
	}

	const {node} = ctx;
	return {
		...node,
		op: 'Resize',
		inputs: [node.inputs[0]!, '', node.inputs[1] ?? ''],
		attributes: {...node.attributes, coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor'},
	};
}

export const resize: Op = {name: 'Resize', upgrade: upgradeResize, infer: ctx => [{dtype: ctx.input(0).dtype, shape: layout(ctx).shape}], evaluate, lower};

export const upsample: Op = {
	...resize,
	name: 'Upsample',
	upgrade: ctx =>
		upgradeResize({...ctx, opset: 10, node: ctx.opset < 9 ? attributesToInputs(ctx, [undefined, {attribute: 'scales', tensor: float32}]) : ctx.node}),
};
