/** Values that an inner graph (a branch, a loop body) reads from the graphs around it. */
import type {Attribute, Graph, Node} from './graph.js';

export const isGraph = (attribute: Attribute): attribute is Graph => typeof attribute === 'object' && 'nodes' in attribute;

export const innerGraphs = (node: Node): Graph[] => Object.values(node.attributes).filter(isGraph);

/** What a node reads: its inputs, and what its inner graphs take from around. */
export const readsOf = (node: Node): string[] => [...node.inputs.filter(Boolean), ...innerGraphs(node).flatMap(capturedValues)];

export function capturedValues(graph: Graph): string[] {
	const own = new Set([...graph.inputs, ...graph.constants.keys(), ...graph.values.keys(), ...graph.nodes.flatMap(node => node.outputs)]);
	return [...new Set([...graph.nodes.flatMap(readsOf), ...graph.outputs])].filter(name => !own.has(name));
}

/** Every name that a graph and the graphs inside it define. */
export const definedValues = (graph: Graph): string[] => [...graph.inputs, ...graph.constants.keys(), ...graph.values.keys(), ...graph.nodes.flatMap(node => [...node.outputs, ...innerGraphs(node).flatMap(definedValues)])];
