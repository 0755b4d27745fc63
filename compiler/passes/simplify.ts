/** Removes nodes that change nothing: Identity, casts to the same type, reshapes and transposes that keep the shape, Dropout. */
import {renameReads} from '../graph/captures.js';
import {equal} from '../graph/dim.js';
import type {Graph, Node} from '../graph/graph.js';
import type {Pass} from './pass.js';

/** Where these keep the shape they keep the elements. */
const SHAPES = new Set(['Reshape', 'Squeeze', 'Unsqueeze', 'Flatten', 'Expand', 'Tile']);

export const simplify: Pass = {
	name: 'simplify',
	description: 'removes nodes that change nothing',
	run({graph}): Graph {
		const renamed = new Map<string, string>();
		const kept = new Set([...graph.outputs, ...graph.states.map(({output}) => output)]);
		const nodes: Node[] = [];
		for (const original of graph.nodes) {
			const node = renamed.size > 0 ? renameReads(original, renamed) : original;
			const output = node.outputs[0]!;
			if (!kept.has(output) && node.outputs.slice(1).every(name => name === '') && changesNothing(node, graph)) {
				renamed.set(output, node.inputs[0]!);
			} else {
				nodes.push(node);
			}
		}

		return renamed.size === 0 ? graph : {...graph, nodes};
	},
};

function changesNothing(node: Node, graph: Graph): boolean {
	const input = graph.types.get(node.inputs[0] ?? '');
	const output = graph.types.get(node.outputs[0]!);
	if (!input || !output) {
		return false;
	}

	const sameShape =
		input.dtype === output.dtype && input.shape.length === output.shape.length && input.shape.every((dim, axis) => equal(dim, output.shape[axis]!));
	switch (node.op) {
		case 'Identity':
		case 'Dropout': {
			return true;
		}

		case 'Cast': {
			return input.dtype === output.dtype;
		}

		case 'Transpose': {
			const perm = node.attributes['perm'] as readonly number[] | undefined;
			return perm !== undefined && perm.every((axis, index) => axis === index);
		}

		case 'Slice': {
			return sameShape && only(graph, node.inputs[4], 1);
		}

		case 'Pad': {
			// An element more in front and one less behind would keep the shape too.
			return sameShape && only(graph, node.inputs[1], 0);
		}

		default: {
			return SHAPES.has(node.op) && sameShape;
		}
	}
}

/** Whether an input that is there is known to hold nothing but `value`. */
function only(graph: Graph, input = '', value: number): boolean {
	const elements = graph.values.get(input) ?? graph.constants.get(input)?.read();
	return input === '' || (elements !== undefined && Array.prototype.every.call(elements, element => Number(element) === value));
}
