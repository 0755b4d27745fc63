/** Removes nodes that change nothing: Identity, casts to the same type, reshapes and transposes that keep the shape, Dropout. */
import {renameReads} from '../graph/captures.js';
import {equal} from '../graph/dim.js';
import type {Graph, Node} from '../graph/graph.js';
import type {Pass} from './pass.js';

const SHAPES = new Set(['Reshape', 'Squeeze', 'Unsqueeze', 'Flatten', 'Expand', 'Slice', 'Tile', 'Pad']);

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

	const sameShape = input.shape.length === output.shape.length && input.shape.every((dim, axis) => equal(dim, output.shape[axis]!));
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

		default: {
			// A slice or a tile of the same shape is the whole; Slice with a negative step is not, and has its steps as input 4.
			return SHAPES.has(node.op) && sameShape && !(node.op === 'Slice' && node.inputs.length > 4 && !forward(graph, node.inputs[4]!));
		}
	}
}

function forward(graph: Graph, steps: string): boolean {
	const elements =
		graph.values.get(steps) ?? (graph.constants.has(steps) ? Array.from(graph.constants.get(steps)!.read() as BigInt64Array, Number) : undefined);
	return steps === '' || (elements?.every(step => step === 1) ?? false);
}
