/**
 * Single assignment and order: every value is made once, everything that is read is made, and made before. Nodes that are only out of
 * order are sorted; a cycle is reported with all its nodes.
 */
import {SnugError} from '../error.js';
import {describeNode, type Node} from '../graph/graph.js';
import {readsOf} from '../graph/captures.js';

export type Values = {
	/** Inputs, constants, and what the graphs around this one offer. */
	readonly given: ReadonlySet<string>;
	/** Those of `given` that a node here may not make again. */
	readonly own: ReadonlySet<string>;
	readonly outputs: readonly string[];
	/** The graph, for messages. */
	readonly subject: string;
};

export function orderNodes(nodes: readonly Node[], {given, own, outputs, subject}: Values): Node[] {
	const producers = findProducers(nodes, own);
	for (const node of nodes) {
		const missing = readsOf(node).find(name => !given.has(name) && !producers.has(name));
		if (missing !== undefined) {
			const index = node.inputs.indexOf(missing);
			throw new SnugError('missing-input', {
				subject: describeNode(node),
				problem: index < 0 ? `a graph inside it reads '${missing}', which nothing makes` : `input ${index} ('${missing}') is made by no node`,
				expected: 'an input of the graph, an initializer or the output of a node',
			});
		}
	}

	const lost = outputs.find(name => !given.has(name) && !producers.has(name));
	if (lost !== undefined) {
		throw new SnugError('missing-output', {subject, problem: `the output '${lost}' is made by no node`});
	}

	return isOrdered(nodes, producers) ? [...nodes] : sort(nodes, producers);
}

function findProducers(nodes: readonly Node[], own: ReadonlySet<string>): Map<string, Node> {
	const producers = new Map<string, Node>();
	for (const node of nodes) {
		for (const output of node.outputs) {
			if (output === '') {
				continue;
			}

			const other = producers.get(output);
			if (other || own.has(output)) {
				throw new SnugError('duplicate-value', {
					subject: describeNode(node),
					problem: `it makes '${output}', which ${other ? `${describeNode(other)} makes too` : 'is an input or an initializer'}`,
					expected: 'every value made once',
				});
			}

			producers.set(output, node);
		}
	}

	return producers;
}

function isOrdered(nodes: readonly Node[], producers: ReadonlyMap<string, Node>): boolean {
	const done = new Set<Node>();
	return nodes.every(node => {
		const ready = readsOf(node).every(name => {
			const producer = producers.get(name);
			return producer === undefined || done.has(producer);
		});
		done.add(node);
		return ready;
	});
}

/** Depth first with a stack of its own: exported graphs are deeper than the call stack. */
function sort(nodes: readonly Node[], producers: ReadonlyMap<string, Node>): Node[] {
	const sorted: Node[] = [];
	const done = new Set<Node>();
	for (const root of nodes) {
		const path = done.has(root) ? [] : [{node: root, reads: readsOf(root), next: 0}];
		while (path.length > 0) {
			const top = path.at(-1)!;
			const read = top.reads[top.next++];
			if (read === undefined) {
				done.add(top.node);
				sorted.push(top.node);
				path.pop();
				continue;
			}

			const producer = producers.get(read);
			if (!producer || done.has(producer)) {
				continue;
			}

			const start = path.findIndex(({node}) => node === producer);
			if (start >= 0) {
				const cycle = [...path.slice(start).map(({node}) => node), producer].reverse();
				throw new SnugError('cyclic-graph', {
					subject: describeNode(producer),
					problem: 'it depends on its own output',
					expected: 'a graph without cycles',
					found:
						cycle.length > 9
							? `a cycle of ${cycle.length - 1} nodes: ${cycle.slice(0, 8).map(describeNode).join(' → ')} → …`
							: cycle.map(describeNode).join(' → '),
				});
			}

			path.push({node: producer, reads: readsOf(producer), next: 0});
		}
	}

	return sorted;
}
