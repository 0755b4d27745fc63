/**
 * Gives every value its type, and integer tensors their elements where they follow from the shapes. Runs after import and after each
 * pass; a pass therefore only says which nodes there are.
 */
import type {Dim} from '../graph/dim.js';
import {boundsOf, describeNode, type Graph, type Node, type ValueType} from '../graph/graph.js';
import {SnugError} from '../error.js';
import {inferContext, knownElements, type Surroundings} from '../ops/context.js';
import {ops} from '../ops/index.js';
import type {Op} from '../ops/op.js';

/** A graph whose types are complete, with everything that is known of integer values (`known` includes small constants). */
export type TypedGraph = {readonly graph: Graph; readonly known: ReadonlyMap<string, readonly Dim[]>};

export function findOp(node: Node): Op {
	const op = ops.get(node.op);
	if (!op) {
		throw new SnugError('unknown-op', {subject: describeNode(node), problem: 'the op is not implemented', hint: 'add it under compiler/ops, or rewrite the model without it'});
	}

	return op;
}

export function inferTypes(graph: Graph): TypedGraph {
	const types = new Map<string, ValueType>();
	const known = new Map<string, readonly Dim[]>(graph.values);
	for (const name of graph.inputs) {
		types.set(name, graph.types.get(name)!);
	}

	for (const [name, {dtype, dims}] of graph.constants) {
		types.set(name, {dtype, shape: dims});
	}

	for (const name of graph.values.keys()) {
		types.set(name, graph.types.get(name)!);
	}

	const read = new Set<string>();
	const around: Surroundings = {
		bounds: boundsOf(graph),
		type: name => types.get(name),
		constant: name => graph.constants.get(name),
		value(name) {
			const constant = known.has(name) || read.has(name) ? undefined : graph.constants.get(name);
			if (constant) {
				read.add(name);
				const elements = knownElements(constant);
				if (elements) {
					known.set(name, elements);
				}
			}

			return known.get(name);
		},
	};

	for (const node of graph.nodes) {
		const inferred = findOp(node).infer(inferContext(node, around));
		for (const [index, name] of node.outputs.entries()) {
			const output = inferred[index];
			if (name === '') {
				continue;
			}

			if (!output) {
				throw new SnugError('invalid-node', {subject: describeNode(node), problem: `output ${index} does not exist`, expected: `${inferred.length} outputs`, found: `${node.outputs.length}`});
			}

			types.set(name, {dtype: output.dtype, shape: output.shape});
			if (output.value) {
				known.set(name, output.value);
			}
		}
	}

	return {graph: {...graph, types}, known};
}
