/**
 * An `If` whose condition is known becomes the nodes of its branch. Names of the branch that the graph already has are replaced; a
 * branch's output that is a constant stays one, and one that is a value from around becomes an `Identity`.
 */
import {SnugError} from '../error.js';
import {keyOf} from './dim.js';
import {describeNode, type Graph, type Node, type ValueType} from './graph.js';
import type {Constant} from './tensor.js';
import {capturedValues, definedValues, innerGraphs, isGraph, renameReads} from './captures.js';
import {createNames} from './names.js';

/** Replaces `node`, an `If` of `graph`, by its then-branch (`taken`) or else-branch. The order of nodes stays valid; types of inlined values are left to inference. */
export function inlineBranch(graph: Graph, node: Node, taken: boolean): Graph {
	const name = taken ? 'then_branch' : 'else_branch';
	const branch = node.attributes[name];
	if (branch === undefined || !isGraph(branch)) {
		throw new SnugError('attribute-type', {subject: describeNode(node), problem: `the attribute '${name}' is missing or no graph`, expected: 'a graph'});
	}

	if (branch.outputs.length < node.outputs.length) {
		throw new SnugError('invalid-node', {
			subject: describeNode(node),
			problem: `its ${name} has too few outputs`,
			expected: String(node.outputs.length),
			found: String(branch.outputs.length),
		});
	}

	const names = createNames([...graph.inputs, ...graph.constants.keys(), ...graph.values.keys(), ...graph.nodes.flatMap(({outputs}) => outputs)]);
	for (const captured of [...capturedValues(branch), ...branch.nodes.flatMap(innerGraphs).flatMap(definedValues)]) {
		names.take(captured);
	}

	const rename = new Map<string, string>();
	const forwarded: Array<readonly [from: string, to: string]> = [];
	const made = new Set(branch.nodes.flatMap(({outputs}) => outputs));
	for (const [index, output] of node.outputs.entries()) {
		const from = branch.outputs[index]!;
		if (output !== '' && made.has(from) && !rename.has(from)) {
			rename.set(from, output);
		} else if (output !== '') {
			forwarded.push([from, output]);
		}
	}

	for (const own of [...branch.constants.keys(), ...branch.values.keys(), ...made]) {
		if (own !== '' && !rename.has(own)) {
			rename.set(own, names.fresh(own));
		}
	}

	const constants = new Map(graph.constants);
	const values = new Map(graph.values);
	const types = new Map(graph.types);
	for (const [own, constant] of branch.constants) {
		addConstant(constants, types, rename.get(own)!, constant);
	}

	for (const [own, elements] of branch.values) {
		values.set(rename.get(own)!, elements);
		types.set(rename.get(own)!, branch.types.get(own)!);
	}

	const nodeNames = createNames(graph.nodes.filter(other => other !== node).map(other => other.name));
	const nodes = branch.nodes.map(inner => renameNode(inner, rename, nodeNames.fresh(inner.name)));
	for (const [from, to] of forwarded) {
		const constant = branch.constants.get(from);
		if (constant) {
			addConstant(constants, types, to, constant);
		} else {
			nodes.push({op: 'Identity', name: nodeNames.fresh(`${node.name}/${to}`), inputs: [rename.get(from) ?? from], outputs: [to], attributes: {}});
		}
	}

	return {...graph, nodes: graph.nodes.flatMap(other => (other === node ? nodes : [other])), constants, values, types};
}

function addConstant(constants: Map<string, Constant>, types: Map<string, ValueType>, name: string, constant: Constant): void {
	constants.set(name, constant);
	types.set(name, {dtype: constant.dtype, shape: constant.dims});
}

function renameNode(node: Node, rename: ReadonlyMap<string, string>, name: string): Node {
	return {...renameReads(node, rename), name, outputs: node.outputs.map(output => rename.get(output) ?? output)};
}

/** Inlines every `If` whose condition is a constant or a known value, also those that come to light with a branch. */
export function inlineConstantBranches(graph: Graph): Graph {
	for (;;) {
		const node = graph.nodes.find(({op, inputs}) => op === 'If' && conditionOf(graph, inputs[0] ?? '') !== undefined);
		if (!node) {
			return graph;
		}

		const {type, elements} = conditionOf(graph, node.inputs[0]!)!;
		if (type.dtype !== 'bool' || elements.length !== 1) {
			throw new SnugError('invalid-node', {
				subject: describeNode(node),
				problem: 'the condition is no single boolean',
				expected: 'bool [1] or bool []',
				found: `${type.dtype} [${type.shape.map(keyOf).join(', ')}]`,
			});
		}

		graph = inlineBranch(graph, node, elements[0] !== 0);
	}
}

function conditionOf(graph: Graph, name: string): {type: ValueType; elements: ReadonlyArray<number | bigint>} | undefined {
	const constant = graph.constants.get(name);
	const elements = constant ? Array.from(constant.read() as ArrayLike<number | bigint>) : graph.values.get(name);
	return elements?.every(element => typeof element !== 'object')
		? {type: constant ? {dtype: constant.dtype, shape: constant.dims} : graph.types.get(name)!, elements}
		: undefined;
}
