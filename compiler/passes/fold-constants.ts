/**
 * Removes what can be computed now: integer tensors that follow from the shapes become known values, nodes whose inputs are all
 * constants become constants (large ones are computed when they are read, so that no copy stays in memory), and an `If` whose
 * condition is known becomes its branch.
 */
import {inlineConstantBranches} from '../graph/branch.js';
import {controlFlow} from '../graph/captures.js';
import {isNumber} from '../graph/dim.js';
import {fromElements} from '../graph/elements.js';
import type {Graph, Node, ValueType} from '../graph/graph.js';
import {removeDead} from '../graph/topology.js';
import {sizeOf, tensor, type Constant, type Tensor} from '../graph/tensor.js';
import {transposed} from '../graph/transposed.js';
import {evaluateContext} from '../ops/context.js';
import {findOp, inferTypes, type TypedGraph} from './infer-types.js';
import type {Pass} from './pass.js';

/** Constants of more elements than this are computed anew at each read. */
const EAGER = 1 << 18;

export const foldConstants: Pass = {
	name: 'fold-constants',
	description: 'computes constants and shape arithmetic now',
	run(typed) {
		for (;;) {
			const folded = foldNodes(typed);
			const resolved = inlineConstantBranches(folded);
			if (resolved === folded) {
				return folded;
			}

			typed = inferTypes(removeDead(resolved));
		}
	},
};

function foldNodes({graph, known}: TypedGraph): Graph {
	const constants = new Map(graph.constants);
	const values = new Map(graph.values);
	const nodes: Node[] = [];
	const now = (name: string): (() => Tensor) | undefined => {
		const constant = constants.get(name);
		if (constant) {
			return () => tensor(constant);
		}

		const elements = values.get(name);
		return elements?.every(isNumber) ? () => fromElements(graph.types.get(name)!, elements) : undefined;
	};

	for (const node of graph.nodes) {
		const outputs = node.outputs.filter(output => output !== '');
		if (outputs.every(output => known.has(output))) {
			for (const output of outputs) {
				values.set(output, known.get(output)!);
			}

			continue;
		}

		const inputs = node.inputs.map(name => (name === '' ? () => undefined : now(name)));
		const evaluate = controlFlow.has(node.op) ? undefined : findOp(node).evaluate;
		if (!evaluate || node.inputs.length === 0 || inputs.some(input => input === undefined) || outputs.some(output => !isConcrete(graph.types.get(output)!))) {
			nodes.push(node);
			continue;
		}

		const run = (): Tensor[] =>
			evaluate(
				evaluateContext(
					node,
					inputs.map(input => input!()),
				),
			);
		for (const [index, output] of node.outputs.entries()) {
			if (output !== '') {
				constants.set(output, fold(node, index, graph.types.get(output)!, constants, run));
			}
		}
	}

	return nodes.length === graph.nodes.length ? graph : {...graph, nodes, constants, values};
}

const isConcrete = ({shape}: ValueType): boolean => shape.every(isNumber);

function fold(node: Node, index: number, {dtype, shape}: ValueType, constants: ReadonlyMap<string, Constant>, run: () => Tensor[]): Constant {
	const dims = shape as readonly number[];
	const source = constants.get(node.inputs[0]!);
	if (node.op === 'Transpose' && source && dims.length === 2) {
		const perm = node.attributes['perm'] as readonly number[] | undefined;
		return perm?.[0] === 0 ? source : transposed(source);
	}

	if (sizeOf(dims) <= EAGER) {
		const {data} = run()[index]!;
		return {dtype, dims, read: () => data};
	}

	return {dtype, dims, read: () => run()[index]!.data};
}
