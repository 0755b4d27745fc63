/** Order and reachability of nodes. */
import {SnugError} from '../error.js';
import {readsOf} from './captures.js';
import {describeNode, type Graph, type Node} from './graph.js';

/** The nodes in an order in which every value is made before it is used; keeps the given order where it can. Refuses cycles. */
export function sortNodes(nodes: readonly Node[]): Node[] {
	const producers = new Map<string, Node>();
	for (const node of nodes) {
		for (const output of node.outputs) {
			if (output !== '') {
				producers.set(output, node);
			}
		}
	}

	const sorted: Node[] = [];
	const state = new Map<Node, 'open' | 'done'>();
	for (const root of nodes) {
		// Depth first with an explicit stack: exported graphs are deeper than the call stack.
		const stack: Array<{node: Node; reads: readonly string[]; next: number}> = state.has(root) ? [] : [{node: root, reads: readsOf(root), next: 0}];
		while (stack.length > 0) {
			const top = stack.at(-1)!;
			state.set(top.node, 'open');
			const input = top.reads[top.next++];
			if (input === undefined) {
				state.set(top.node, 'done');
				sorted.push(top.node);
				stack.pop();
				continue;
			}

			const producer = producers.get(input);
			if (producer && state.get(producer) === 'open') {
				throw new SnugError('cyclic-graph', {
					subject: describeNode(producer),
					problem: `it depends on its own output through ${describeNode(top.node)}`,
					expected: 'a graph without cycles',
				});
			}

			if (producer && !state.has(producer)) {
				stack.push({node: producer, reads: readsOf(producer), next: 0});
			}
		}
	}

	return sorted;
}

/** Drops nodes, constants and known values that no output or state needs, and the types of what is gone. */
export function removeDead(graph: Graph): Graph {
	const needed = new Set<string>([...graph.outputs, ...graph.states.map(({output}) => output)]);
	const nodes: Node[] = [];
	for (const node of [...graph.nodes].reverse()) {
		if (node.outputs.some(output => output !== '' && needed.has(output))) {
			nodes.push(node);
			for (const input of readsOf(node)) {
				needed.add(input);
			}
		}
	}

	nodes.reverse();
	const keep = <T>(map: ReadonlyMap<string, T>): Map<string, T> => new Map([...map].filter(([name]) => needed.has(name) || graph.inputs.includes(name)));
	const made = new Set(nodes.flatMap(node => node.outputs));
	const types = new Map([...graph.types].filter(([name]) => made.has(name) || needed.has(name) || graph.inputs.includes(name)));
	return {...graph, nodes, constants: keep(graph.constants), values: keep(graph.values), types};
}
