/** What holds for every graph between passes. Throws an Error that names the first breach: a bug of a pass, not of the model. */
import {readsOf} from './captures.js';
import type {Graph} from './graph.js';

export function verify(graph: Graph): void {
	const defined = new Set<string>(['', ...graph.inputs, ...graph.constants.keys(), ...graph.values.keys()]);
	const names = new Set<string>();
	for (const node of graph.nodes) {
		if (names.has(node.name)) {
			throw new Error(`two nodes are called '${node.name}'`);
		}

		names.add(node.name);
		for (const input of readsOf(node)) {
			if (!defined.has(input)) {
				throw new Error(`${node.op} '${node.name}' reads '${input}' before anything makes it`);
			}
		}

		for (const output of node.outputs) {
			if (output !== '' && defined.has(output)) {
				throw new Error(`${node.op} '${node.name}' makes '${output}' a second time`);
			}

			defined.add(output);
			if (output !== '' && !graph.types.has(output)) {
				throw new Error(`'${output}' of ${node.op} '${node.name}' has no type`);
			}
		}
	}

	for (const name of [...graph.outputs, ...graph.states.map(state => state.output)]) {
		if (!defined.has(name)) {
			throw new Error(`output '${name}' is made by no node`);
		}
	}
}
