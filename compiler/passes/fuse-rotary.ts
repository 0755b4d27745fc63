/**
 * Rotary position embedding as exporters write it, x·cos + rotate_half(x)·sin on [batch, heads, sequence, width], becomes one op on
 * [batch, sequence, heads·width]. Cosines and sines are halved where both halves are provably the same.
 */
import {equal, isNumber, type Dim} from '../graph/dim.js';
import type {Node} from '../graph/graph.js';
import {constant} from '../graph/tensor.js';
import type {Pass} from './pass.js';
import {rewrite, sameShape, type Build, type Rule, type View} from './rewrite.js';

const isLast = (view: View, value: string, axis: unknown): boolean => axis === -1 || axis === view.type(value).shape.length - 1;

/** Concat(−x[half:], x[:half]) on the last axis: x. */
function rotatedHalf(view: View, value: string): string | undefined {
	const concat = view.producer(value, 'Concat');
	const negative = concat && view.producer(concat.inputs[0]!, 'Neg');
	const second = negative && lastAxisSlice(view, negative.inputs[0]!);
	const first = concat && lastAxisSlice(view, concat.inputs[1]!);
	if (!concat || !first || !second || first.x !== second.x || concat.inputs.length !== 2 || !isLast(view, value, concat.attributes['axis'])) {
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
const RESHAPES = new Set(['Reshape', 'Squeeze', 'Unsqueeze', 'Expand']);

/** The first half of the last axis of a table whose two halves are equal; built from the halves' common source. Undefined where that is not so. */
function halve(view: View, build: Build, value: string): string | undefined {
	if (view.constant(value)) {
		return halveConstant(view, build, value);
	}

	const node = view.producer(value);
	if (!node) {
		return undefined;
	}

	const {shape} = view.type(value);
	const half = (input: number): string | undefined => halve(view, build, node.inputs[input]!);
	const again = (op: string, of: string | undefined, ...rest: readonly string[]): string | undefined =>
		of === undefined ? undefined : build.node(op, [of, ...rest], node.attributes);
	if (ELEMENTWISE.has(node.op)) {
		return again(node.op, half(0));
	}

	if (RESHAPES.has(node.op)) {
		const from = view.type(node.inputs[0]!).shape;
		const of = from.length > 0 && equal(from.at(-1)!, shape.at(-1)!) ? half(0) : undefined;
		const to = build.integers(`${value}.half`, [...shape.slice(0, -1), (shape.at(-1) as number) / 2]);
		return of === undefined ? undefined : build.node(node.op === 'Expand' ? 'Expand' : 'Reshape', [of, to], node.op === 'Expand' ? {} : {allowzero: 1});
	}

	switch (node.op) {
		case 'Concat': {
			return isLast(view, value, node.attributes['axis']) && node.inputs.length === 2 && node.inputs[0] === node.inputs[1] ? node.inputs[0] : undefined;
		}

		case 'Mul': {
			const side = [0, 1].find(index => view.scalar(node.inputs[index]!) !== undefined);
			return side === undefined ? undefined : again('Mul', half(1 - side), node.inputs[side]!);
		}

		case 'Transpose': {
			return (node.attributes['perm'] as readonly number[] | undefined)?.at(-1) === shape.length - 1 ? again('Transpose', half(0)) : undefined;
		}

		case 'Slice': {
			const axes = view.known(node.inputs[3] ?? '');
			return axes?.every(axis => isNumber(axis) && !isLast(view, value, axis)) ? again('Slice', half(0), ...node.inputs.slice(1)) : undefined;
		}

		case 'Gather': {
			const rows = ((node.attributes['axis'] as number | undefined) ?? 0) === 0 && view.type(node.inputs[0]!).shape.length > 1;
			return rows ? again('Gather', half(0), node.inputs[1]!) : undefined;
		}

		// A table of angles is no weight: no codec may round it.
		case 'snug.Embedding': {
			return again('Gather', half(1), node.inputs[0]!);
		}

		default: {
			return undefined;
		}
	}
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
		const type = view.type(parts.x);
		const dims = [parts.cosine, parts.sine].map(table => view.type(table).shape);
		const batches = dims.map(table => (table.length === 4 ? table[0]! : 1));
		const fits = dims.every(
			table => [2, 3, 4].includes(table.length) && equal(table.at(-2)!, sequence) && equal(table.at(-1)!, width) && (table.length < 3 || table.at(-3) === 1),
		);
		if (
			!isNumber(heads) ||
			!isNumber(width) ||
			type.dtype !== 'float32' ||
			!fits ||
			!equal(batches[0]!, batches[1]!) ||
			!sameShape(type, view.type(node.outputs[0]!))
		) {
			return false;
		}

		const tables = [parts.cosine, parts.sine].map(table => {
			const half = halve(view, build, table);
			return half && build.node('Reshape', [half, build.integers(`${node.name}/table`, [batches[0]!, sequence, width / 2])], {allowzero: 1});
		});
		if (tables.some(table => table === undefined)) {
			return false;
		}

		const rows = build.node('Transpose', [parts.x], {perm: [0, 2, 1, 3]});
		const flat = build.node('Reshape', [rows, build.integers(`${node.name}/flat`, [batch, sequence, heads * width])], {allowzero: 1});
		const rotated = build.node('snug.Rotary', [flat, tables[0]!, tables[1]!], {heads, interleaved: 0});
		const split = build.node('Reshape', [rotated, build.integers(`${node.name}/heads`, [batch, sequence, heads, width])], {allowzero: 1});
		build.node('Transpose', [split], {perm: [0, 2, 1, 3]}, node.outputs);
		return true;
	},
};

export const fuseRotary: Pass = {
	name: 'fuse-rotary',
	description: 'rotary position embedding becomes one op',
	run: typed => rewrite(typed, [rotary]),
};
