/**
 * Weights that layers mix from shared atoms, W = Σ cₛ Dₛ (MASA, arXiv 2508.04581), stay atoms: x Wᵀ = Σ cₛ (x Dₛᵀ), one product with all
 * atoms, stacked, and a mix of what comes out. So the atoms are stored once, in whatever code suits them, however many layers mix them.
 */
import type {Node} from '../graph/graph.js';
import {float32, sizeOf, type Constant, type Tensor} from '../graph/tensor.js';
import {transposed} from '../graph/transposed.js';
import {constantExpressions} from './constant-expression.js';
import type {TypedGraph} from './infer-types.js';
import {createMixes, type Term} from './mixed-weight.js';
import type {Pass} from './pass.js';
import {flatVector, isVector, rewrite, type Rule} from './rewrite.js';

/** Atoms take as many products as there are: they are kept where that saves at least a quarter of what the mixed weights would take. */
const MOST = 0.75;

export const keepAtoms: Pass = {
	name: 'keep-atoms',
	description: 'weights that layers mix from shared atoms are stored as atoms, once',
	run(typed) {
		const products = worthKeeping(findProducts(typed));
		const stacks = new Map<string, string>();
		const rule: Rule = {
			name: 'mixed product',
			ops: ['MatMul', 'Gemm'],
			apply(node, view, build) {
				const terms = products.get(node);
				const bias = node.inputs[2] ?? '';
				if (!terms) {
					return false;
				}

				const isRows = hasRows(node);
				const stack = stackKey(node, terms);
				const hint = `${node.inputs[1]!}.atoms`;
				const weight = stacks.get(stack) ?? build.constant(hint, stackOf(terms, view.type(node.inputs[1]!).shape as readonly number[], isRows));
				stacks.set(stack, weight);
				const each = build.node('snug.Linear', [node.inputs[0]!, weight]);
				const factors = build.constant(
					`${node.inputs[1]!}.factors`,
					float32(
						[terms.length],
						terms.map(({factor}) => factor),
					),
				);
				if (bias === '') {
					build.node('snug.Mix', [each, factors], {}, node.outputs);
				} else {
					build.node('Add', [build.node('snug.Mix', [each, factors]), flatVector(view, build, bias)], {}, node.outputs);
				}

				return true;
			},
		};
		return products.size === 0 ? typed.graph : rewrite(typed, [rule]);
	},
};

/** Products of something with a matrix that follows from constants by a computation, and what that is a mix of. */
function findProducts(typed: TypedGraph): Map<Node, readonly Term[]> {
	const expressions = constantExpressions(typed);
	const mixOf = createMixes(expressions);
	const {constants, types} = typed.graph;
	const found = new Map<Node, readonly Term[]>();
	const constant = (name: string): Constant | undefined => constants.get(name);
	const isBias = (bias: string, output: string): boolean => bias === '' || isVector({constant}, bias, types.get(output)!);

	for (const node of typed.graph.nodes) {
		const {transA = 0, alpha = 1, beta = 1} = node.attributes;
		const [x = '', w = ''] = node.inputs;
		const isProduct = node.op === 'MatMul' || (node.op === 'Gemm' && transA === 0 && alpha === 1 && beta === 1);
		if (
			isProduct &&
			isBias(node.inputs[2] ?? '', node.outputs[0]!) &&
			!constants.has(w) &&
			expressions.holds(w) &&
			!expressions.holds(x) &&
			isMatrix(types.get(w)!) &&
			types.get(x)!.shape.length >= 2
		) {
			found.set(node, mixOf(w));
		}
	}

	return found;
}

const isMatrix = ({dtype, shape}: {readonly dtype: string; readonly shape: readonly unknown[]}): boolean => dtype === 'float32' && shape.length === 2;

/** Whether the rows of the weight are outputs, as they are here. */
const hasRows = ({attributes}: Node): boolean => attributes['transB'] === 1;

/** Which atoms a product's weight is a mix of, and how they lie; the factors left aside. */
const stackKey = (node: Node, terms: readonly Term[]): string => `${terms.map(({key}) => key).join('+')} ${hasRows(node)}`;

/** Those whose atoms are fewer than their mixes: two products with one mix would share its matrix too. */
function worthKeeping(products: ReadonlyMap<Node, readonly Term[]>): Map<Node, readonly Term[]> {
	const mixes = new Map<string, Set<string>>();
	for (const [node, terms] of products) {
		const atoms = stackKey(node, terms);
		mixes.set(atoms, (mixes.get(atoms) ?? new Set()).add(terms.map(({factor}) => factor).join()));
	}

	return new Map([...products].filter(([node, terms]) => terms.length > 0 && terms.length <= MOST * mixes.get(stackKey(node, terms))!.size));
}

/** The atoms as rows on rows [terms × outputs, inputs]. @param dims Of the mix. @param isRows Whether its rows are outputs, as here. */
function stackOf(terms: readonly Term[], dims: readonly number[], isRows: boolean): Constant {
	const [rows, columns] = (isRows ? dims : dims.toReversed()) as [number, number];
	return {
		dtype: 'float32',
		dims: [terms.length * rows, columns],
		read() {
			const data = new Float32Array(terms.length * rows * columns);
			const found = new Map<string, Tensor>();
			for (const [index, {read}] of terms.entries()) {
				const atom = {dtype: 'float32', dims, read: () => read(found).data} as const;
				data.set((isRows ? atom : transposed(atom)).read() as Float32Array, index * sizeOf(dims));
			}

			return data;
		},
	};
}
