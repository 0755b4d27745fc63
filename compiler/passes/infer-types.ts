/**
 * Gives every value its type, and integer tensors their elements where they follow from the shapes. Runs after import and after each
 * pass; a pass therefore only says which nodes there are.
 */
import {controlFlow} from '../graph/captures.js';
import type {Dim} from '../graph/dim.js';
import {boundsOf, describeNode, type Graph, type Node, type ValueType} from '../graph/graph.js';
import {SnugError} from '../error.js';
import {inferContext, knownElements, type Surroundings} from '../ops/context.js';
import {ops} from '../ops/index.js';
import type {Inferred, Op} from '../ops/op.js';
import {inferBranches} from './infer-branches.js';

/** A graph whose types are complete, with everything that is known of integer values (`known` includes small constants). */
export type TypedGraph = {readonly graph: Graph; readonly known: ReadonlyMap<string, readonly Dim[]>};

export function findOp(node: Node): Op {
	const op = ops.get(node.op);
	if (op) {
		return op;
	}

	if (controlFlow.has(node.op)) {
		throw new SnugError('data-dependent-branch', {
			subject: describeNode(node),
			problem: 'what it runs is known only at run time',
			expected: 'an If whose condition follows from constants and shapes',
			hint: 'fix the dimensions that it depends on with --dim, or export the model without control flow',
		});
	}

	throw new SnugError('unknown-op', {
		subject: describeNode(node),
		problem: 'the op is not implemented',
		hint: 'add it under compiler/ops, or rewrite the model without it',
	});
}

export function inferTypes(graph: Graph): TypedGraph {
	const {types, known} = inferWithin(graph, {bounds: boundsOf(graph), type: () => undefined, constant: () => undefined, value: () => undefined});
	return {graph: {...graph, types}, known};
}

/** The types and known elements of a graph inside others: what it does not define itself is found `outside`. */
export function inferWithin(graph: Graph, outside: Surroundings): {types: Map<string, ValueType>; known: Map<string, readonly Dim[]>} {
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
		bounds: outside.bounds,
		type: name => types.get(name) ?? outside.type(name),
		constant: name => graph.constants.get(name) ?? (types.has(name) ? undefined : outside.constant(name)),
		value(name) {
			if (!types.has(name)) {
				return outside.value(name);
			}

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
		const inferred: ReadonlyArray<Inferred | undefined> = node.op === 'If' ? inferBranches(node, around) : findOp(node).infer(inferContext(node, around));
		for (const [index, name] of node.outputs.entries()) {
			const output = inferred[index];
			if (name === '') {
				continue;
			}

			if (!output) {
				throw new SnugError('invalid-node', {
					subject: describeNode(node),
					problem: `output ${index} does not exist`,
					expected: `${inferred.length} outputs`,
					found: `${node.outputs.length}`,
				});
			}

			types.set(name, {dtype: output.dtype, shape: output.shape});
			if (output.value) {
				known.set(name, output.value);
			}
		}
	}

	return {types, known};
}
