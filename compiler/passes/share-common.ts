/** Nodes that compute the same of the same are computed once. */
import {renameReads} from '../graph/captures.js';
import type {Graph, Node} from '../graph/graph.js';
import type {Pass} from './pass.js';

export const shareCommon: Pass = {
	name: 'share-common',
	description: 'equal nodes with equal inputs are computed once',
	run({graph}): Graph {
		const renamed = new Map<string, string>();
		const seen = new Map<string, Node>();
		const kept = new Set([...graph.outputs, ...graph.states.map(({output}) => output)]);
		const nodes: Node[] = [];
		for (const original of graph.nodes) {
			const node = renamed.size > 0 ? renameReads(original, renamed) : original;
			const plain = Object.values(node.attributes).every(value => typeof value !== 'object' || Array.isArray(value));
			const key = keyOf(node);
			const twin = plain && !node.op.startsWith('Random') ? seen.get(key) : undefined;
			if (twin && !node.outputs.some(output => kept.has(output))) {
				for (const [index, output] of node.outputs.entries()) {
					renamed.set(output, twin.outputs[index]!);
				}

				continue;
			}

			seen.set(key, node);
			nodes.push(node);
		}

		return renamed.size === 0 ? graph : {...graph, nodes};
	},
};

/** JSON has one word for NaN and the infinities, and one for both zeros. */
const keyOf = ({op, inputs, attributes, outputs}: Node): string =>
	JSON.stringify([op, inputs, attributes, outputs.map(output => output !== '')], (_, value: unknown) =>
		typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0)) ? {number: Object.is(value, -0) ? '-0' : String(value)} : value,
	);
