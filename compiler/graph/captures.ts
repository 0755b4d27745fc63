/** Values that an inner graph (a branch, a loop body) reads from the graphs around it. */
import type {Attribute, Attributes, Graph, Node} from './graph.js';

/** The ops that hold graphs. */
export const controlFlow: ReadonlySet<string> = new Set(['If', 'Loop', 'Scan']);

export const isGraph = (attribute: Attribute): attribute is Graph => typeof attribute === 'object' && 'nodes' in attribute;

export const innerGraphs = (node: Node): Graph[] => Object.values(node.attributes).filter(isGraph);

/** What a node reads: its inputs, and what its inner graphs take from around. */
export const readsOf = (node: Node): string[] => [...node.inputs.filter(Boolean), ...innerGraphs(node).flatMap(capturedValues)];

export function capturedValues(graph: Graph): string[] {
	const own = new Set([...graph.inputs, ...graph.constants.keys(), ...graph.values.keys(), ...graph.nodes.flatMap(node => node.outputs)]);
	return [...new Set([...graph.nodes.flatMap(readsOf), ...graph.outputs])].filter(name => !own.has(name));
}

/** Every name that a graph and the graphs inside it define. */
export const definedValues = (graph: Graph): string[] => [
	...graph.inputs,
	...graph.constants.keys(),
	...graph.values.keys(),
	...graph.nodes.flatMap(node => [...node.outputs, ...innerGraphs(node).flatMap(definedValues)]),
];

/** The node with what it reads, also inside its graphs, under other names. The node itself where nothing changes. */
export function renameReads(node: Node, rename: ReadonlyMap<string, string>): Node {
	const inputs = node.inputs.some(name => rename.has(name)) ? node.inputs.map(name => rename.get(name) ?? name) : node.inputs;
	const attributes = renameInner(node.attributes, rename);
	return inputs === node.inputs && attributes === node.attributes ? node : {...node, inputs, attributes};
}

/** Attributes whose graphs read values of around under other names. */
export function renameInner(attributes: Attributes, rename: ReadonlyMap<string, string>): Attributes {
	const changed = Object.entries(attributes).flatMap(([key, value]) => {
		const renamed = isGraph(value) ? renameCaptures(value, rename) : value;
		return renamed === value ? [] : [[key, renamed] as const];
	});
	return changed.length === 0 ? attributes : {...attributes, ...Object.fromEntries(changed)};
}

function renameCaptures(graph: Graph, rename: ReadonlyMap<string, string>): Graph {
	const captured = new Map(capturedValues(graph).flatMap(name => (rename.has(name) ? [[name, rename.get(name)!] as const] : [])));
	return captured.size === 0
		? graph
		: {...graph, nodes: graph.nodes.map(node => renameReads(node, captured)), outputs: graph.outputs.map(name => captured.get(name) ?? name)};
}
