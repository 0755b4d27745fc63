/**
 * Rotary position embedding as exporters write it, x·cos + rotate_half(x)·sin on [batch, heads, sequence, width], becomes one op on
 * [batch, sequence, heads·width]. Cosines and sines are halved where both halves are provably the same.
 */
import {equal, isNumber, type Dim} from '../graph/dim.js';
import type {Node} from '../graph/graph.js';
import {constant} from '../graph/tensor.js';
import type {Pass} from './pass.js';
import {rewrite, type Build, type Rule, type View} from './rewrite.js';

/** Concat(−x[half:], x[:half]) on the last axis: x. */
function rotatedHalf(view: View, value: string): string | undefined {
	const concat = view.producer(value, 'Concat');
	const negative = concat && view.producer(concat.inputs[0]!, 'Neg');
	const second = negative && lastAxisSlice(view, negative.inputs[0]!);
	const first = concat && lastAxisSlice(view, concat.inputs[1]!);
	if (!concat || !first || !second || first.x !== second.x || concat.inputs.length !== 2) {
		return undefined;
	}

	const width = view.type(first.x).shape.at(-1)!;
	return isNumber(width) && first.start === 0 && first.size === width / 2 && second.start === width / 2 && second.size === width / 2 ? first.x : undefined;
}

function lastAxisSlice(view: View, value: string): {x: string; start: number; size: number} | undefined {
	const split = view.producer(value, 'Split');
	if (split) {
		const sizes = split.outputs.map(output => view.type(output).shape.at(-1)!);
		const index = split.outputs.indexOf(value);
		const rank = view.type(value).shape.length;
		const axis = (split.attributes['axis'] as number | undefined) ?? 0;
		return sizes.every(isNumber) && (axis === -1 || axis === rank - 1)
			? {x: split.inputs[0]!, start: sizes.slice(0, index).reduce((a, b) => a + b, 0), size: sizes[index]!}
			: undefined;
	}

	const slice = view.producer(value, 'Slice');
	const rank = view.type(value).shape.length;
	const axes = slice?.inputs[3] ? view.known(slice.inputs[3]) : undefined;
	const starts = slice && view.known(slice.inputs[1]!);
	const steps = slice?.inputs[4] ? view.known(slice.inputs[4]) : [1];
	const size = view.type(value).shape.at(-1)!;
	if (!slice || axes?.length !== 1 || (axes[0] !== rank - 1 && axes[0] !== -1) || steps?.[0] !== 1 || !starts || !isNumber(starts[0]!) || !isNumber(size)) {
		return undefined;
	}

	const width = view.type(slice.inputs[0]!).shape.at(-1) as number;
	return {x: slice.inputs[0]!, start: starts[0] < 0 ? starts[0] + width : starts[0], size};
}

const ELEMENTWISE = new Set(['Cos', 'Sin', 'Cast', 'Identity']);

/** The first half of the last axis of a table whose two halves are equal; built from the halves' common source. Undefined where that is not so. */
function halve(view: View, build: Build, value: string): string | undefined {
	const fixed = view.constant(value);
	if (fixed) {
		return halveConstant(view, build, value);
	}

	const node = view.producer(value);
	const rank = view.type(value).shape.length;
	if (!node) {
		return undefined;
	}

	if (node.op === 'Concat') {
		const axis = node.attributes['axis'] as number;
		return (axis === -1 || axis === rank - 1) && node.inputs.length === 2 && node.inputs[0] === node.inputs[1] ? node.inputs[0] : undefined;
	}

	const again = (source: number, rest: readonly string[] = []): string | undefined => {
		const half = halve(view, build, node.inputs[source]!);
		return half === undefined ? undefined : build.node(node.op, source === 0 ? [half, ...rest] : [...rest, half], node.attributes);
	};

	if (ELEMENTWISE.has(node.op)) {
		return again(0);
	}

	if (node.op === 'Mul') {
		const side = [0, 1].find(index => view.scalar(node.inputs[index]!) !== undefined);
		return side === undefined ? undefined : again(1 - side, [node.inputs[side]!]);
	}

	if (node.op === 'Unsqueeze') {
		const axes = view.known(node.inputs[1]!);
		return axes?.every(axis => isNumber(axis) && axis !== rank - 1 && axis !== -1) ? again(0, [node.inputs[1]!]) : undefined;
	}

	if (node.op === 'Gather' && ((node.attributes['axis'] as number | undefined) ?? 0) === 0) {
		return again(0, [node.inputs[1]!]);
	}

	return undefined;
}

function halveConstant(view: View, build: Build, value: string): string | undefined {
	const {dims, dtype, read} = view.constant(value)!;
	const width = dims.at(-1) ?? 0;
	if (dtype !== 'float32' || width % 2 !== 0) {
		return undefined;
	}

	const data = read() as Float32Array;
	const half = new Float32Array(data.length / 2);
	for (let i = 0; i < half.length; i++) {
		const from = Math.floor(i / (width / 2)) * width + (i % (width / 2));
		half[i] = data[from]!;
		if (data[from + width / 2] !== data[from]) {
			return undefined;
		}
	}

	return build.constant(`${value}.half`, constant({dtype, dims: [...dims.slice(0, -1), width / 2], data: half}));
}

type Parts = {readonly x: string; readonly cosine: string; readonly sine: string};

function match(node: Node, view: View): Parts | undefined {
	for (const side of [0, 1]) {
		const direct = view.producer(node.inputs[side]!, 'Mul');
		const turned = view.producer(node.inputs[1 - side]!, 'Mul');
		for (const [a, b] of direct && turned
			? ([
					[0, 0],
					[0, 1],
					[1, 0],
					[1, 1],
				] as const)
			: []) {
			const x = direct!.inputs[a]!;
			if (rotatedHalf(view, turned!.inputs[b]!) === x) {
				return {x, cosine: direct!.inputs[1 - a]!, sine: turned!.inputs[1 - b]!};
			}
		}
	}

	return undefined;
}

const rotary: Rule = {
	name: 'rotary',
	ops: ['Add'],
	apply(node, view, build) {
		const parts = match(node, view);
		const shape = parts && view.type(parts.x).shape;
		if (!parts || shape?.length !== 4) {
			return false;
		}

		const [batch, heads, sequence, width] = shape as [Dim, Dim, Dim, Dim];
		const tables = [parts.cosine, parts.sine].map(table => {
			const dims = view.type(table).shape;
			const fits = dims.length >= 2 && equal(dims.at(-2)!, sequence) && equal(dims.at(-1)!, width) && (dims.length < 3 || dims.at(-3) === 1);
			const half = fits ? halve(view, build, table) : undefined;
			const tableBatch = dims.length === 4 ? dims[0]! : 1;
			return half && build.node('Reshape', [half, build.integers(`${node.name}/table`, [tableBatch, sequence, (width as number) / 2])]);
		});
		if (!isNumber(heads) || !isNumber(width) || tables.some(table => table === undefined)) {
			return false;
		}

		const rows = build.node('Transpose', [parts.x], {perm: [0, 2, 1, 3]});
		const flat = build.node('Reshape', [rows, build.integers(`${node.name}/flat`, [batch, sequence, heads * width])]);
		const rotated = build.node('snug.Rotary', [flat, tables[0]!, tables[1]!], {heads, interleaved: 0});
		const split = build.node('Reshape', [rotated, build.integers(`${node.name}/heads`, [batch, sequence, heads, width])]);
		build.node('Transpose', [split], {perm: [0, 2, 1, 3]}, node.outputs);
		return true;
	},
};

export const fuseRotary: Pass = {
	name: 'fuse-rotary',
	description: 'rotary position embedding becomes one op',
	run: typed => rewrite(typed, [rotary]),
};
