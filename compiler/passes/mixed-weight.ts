/** A weight that the graph computes as a mix of matrices: W = Σ cₛ Dₛ, its factors and its atoms as trainers of MASA (arXiv 2508.04581) call them. */
import {keyOf, type Dim} from '../graph/dim.js';
import type {Node} from '../graph/graph.js';
import {sizeOf, type Tensor} from '../graph/tensor.js';
import {evaluateContext} from '../ops/context.js';
import {attributesOf, type ConstantExpressions} from './constant-expression.js';
import {findOp} from './infer-types.js';

export type Term = {
	readonly factor: number;
	/** Equal texts mean equal atoms. */
	readonly key: string;
	/** The atom, of the shape of the mix. */
	read(found?: Map<string, Tensor>): Tensor;
};

/** Ops that move elements and look at none. */
const moves = new Set(['Reshape', 'Transpose', 'Flatten', 'Squeeze', 'Unsqueeze', 'Identity']);

/** Sums of more terms are matrices of their own, and so is what lies deeper in an expression. */
const [MOST_TERMS, DEEPEST] = [256, 64];

/** Mixes of values, each looked at once. What is no sum is a mix of one term. */
export function createMixes(expressions: ConstantExpressions): (value: string) => readonly Term[] {
	const known = new Map<string, readonly Term[]>();
	let depth = 0;
	const mixOf = (value: string): readonly Term[] => {
		depth++;
		const found = known.get(value) ?? merge(depth > DEEPEST ? [leaf(value, expressions)] : termsOf(value));
		depth--;
		const terms = found.length > MOST_TERMS ? [leaf(value, expressions)] : found;
		known.set(value, terms);
		return terms;
	};

	const termsOf = (value: string): readonly Term[] => {
		const node = expressions.producer(value);
		return (node && (moved(node, expressions, mixOf) ?? weighted(node, expressions) ?? summed(node, expressions, mixOf))) ?? [leaf(value, expressions)];
	};

	return mixOf;
}

/** Equal atoms once. */
function merge(terms: readonly Term[]): readonly Term[] {
	const merged = new Map<string, Term>();
	for (const term of terms) {
		merged.set(term.key, {...term, factor: term.factor + (merged.get(term.key)?.factor ?? 0)});
	}

	return [...merged.values()];
}

type MixOf = (value: string) => readonly Term[];

const leaf = (value: string, {keyOf, read}: ConstantExpressions): Term => ({factor: 1, key: keyOf(value), read: found => read(value, found)});

function moved(node: Node, expressions: ConstantExpressions, mixOf: MixOf): readonly Term[] | undefined {
	if (!moves.has(node.op)) {
		return undefined;
	}

	const [data, ...others] = node.inputs as [string, ...string[]];
	const how = `${node.op}${attributesOf(node)}(${others.map(expressions.keyOf).join()})`;
	return mixOf(data).map(({factor, key, read}) => ({
		factor,
		key: expressions.shorten(`${key}|${how}`),
		read(found) {
			const inputs = others.map(input => (input === '' ? undefined : expressions.read(input, found)));
			return findOp(node).evaluate!(evaluateContext(node, [read(found), ...inputs]))[0]!;
		},
	}));
}

/** Factors times what lies along the first axis of one tensor, as a product of matrices, a contraction, or a sum of products. */
function weighted(node: Node, expressions: ConstantExpressions): readonly Term[] | undefined {
	const pair = pairOf(node, expressions);
	if (!pair) {
		return undefined;
	}

	const [row, atoms] = pair;
	const {types} = expressions.typed.graph;
	const shape = types.get(atoms)!.shape as readonly number[];
	const [count = 0, ...rest] = shape;
	const dims = types.get(node.outputs[0]!)!.shape as readonly number[];
	if (sizeOf(types.get(row)!.shape as readonly number[]) !== count || sizeOf(dims) !== sizeOf(rest)) {
		return undefined;
	}

	const size = sizeOf(dims);
	return Array.from(expressions.read(row).data as Float32Array, (factor, index) => ({
		factor,
		key: expressions.shorten(`${expressions.keyOf(atoms)}[${index}]:${dims.join()}`),
		read: found => ({dtype: 'float32', dims, data: (expressions.read(atoms, found).data as Float32Array).subarray(index * size, (index + 1) * size)}),
	}));
}

/** The factors, and the tensor whose first axis they run along. */
function pairOf({op, inputs, attributes}: Node, expressions: ConstantExpressions): readonly [string, string] | undefined {
	const rankOf = (value: string): number => expressions.typed.graph.types.get(value)!.shape.length;
	const [a, b] = inputs as [string, string];
	if (op === 'MatMul') {
		return rankOf(a) <= 2 && rankOf(b) === 2 ? [a, b] : undefined;
	}

	if (op === 'Einsum' && inputs.length === 2) {
		const [, s, from, to] = /^([A-Za-z]),\1([A-Za-z]+)->([A-Za-z]+)$/.exec((attributes['equation'] as string).replaceAll(' ', '')) ?? [];
		return s !== undefined && from === to && !from!.includes(s) ? [a, b] : undefined;
	}

	const product = op === 'ReduceSum' ? expressions.producer(a) : undefined;
	if (product?.op !== 'Mul' || !isFirst(expressions.typed.known.get(b))) {
		return undefined;
	}

	const {types} = expressions.typed.graph;
	const shapeOf = (value: string): readonly number[] => types.get(value)!.shape as readonly number[];
	const isRow = (value: string, of: string): boolean =>
		shapeOf(value).length === shapeOf(of).length && shapeOf(value).every((dim, axis) => dim === (axis === 0 ? shapeOf(of)[0] : 1));
	const [x, y] = product.inputs as [string, string];
	return isRow(x, y) ? [x, y] : isRow(y, x) ? [y, x] : undefined;
}

/** Whether the axes are the first one alone. */
const isFirst = (axes: readonly Dim[] | undefined): boolean => axes?.length === 1 && axes[0] === 0;

/** Sums of equal shapes, and products with one number. */
function summed(node: Node, expressions: ConstantExpressions, mixOf: MixOf): readonly Term[] | undefined {
	const {types} = expressions.typed.graph;
	const sizes = node.inputs.map(input => sizeOf((types.get(input)?.shape ?? []) as readonly number[]));
	const shapeOf = (value: string): string => (types.get(value)?.shape ?? []).map(keyOf).join();
	const same = (value: string): boolean => shapeOf(value) === shapeOf(node.outputs[0]!);
	if (node.op === 'Add' && node.inputs.every(same)) {
		return node.inputs.flatMap(mixOf);
	}

	const one = node.op === 'Mul' ? sizes.indexOf(1) : -1;
	if (one < 0 || !same(node.inputs[1 - one]!)) {
		return undefined;
	}

	const by = (expressions.read(node.inputs[one]!).data as Float32Array)[0]!;
	return mixOf(node.inputs[1 - one]!).map(term => ({...term, factor: term.factor * by}));
}
