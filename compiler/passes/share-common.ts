/** Nodes that compute the same of the same are computed once. */
import {exactNumbers, hasPlainAttributes, numberText} from '../graph/attribute-text.js';
import {renameReads} from '../graph/captures.js';
import {keyOf as dimKey} from '../graph/dim.js';
import type {Graph, Node} from '../graph/graph.js';
import {sizeOf} from '../graph/tensor.js';
import type {Pass} from './pass.js';

export const shareCommon: Pass = {
	name: 'share-common',
	description: 'equal nodes with equal inputs are computed once',
	run({graph}): Graph {
		const renamed = new Map<string, string>();
		const seen = new Map<string, Node>();
		const kept = new Set([...graph.outputs, ...graph.states.map(({output}) => output)]);
		const nodes: Node[] = [];
		const nameOf = contentNames(graph);
		for (const original of graph.nodes) {
			const node = renamed.size > 0 ? renameReads(original, renamed) : original;
			const key = keyOf(node, nameOf);
			const twin = hasPlainAttributes(node) && !node.op.startsWith('Random') ? seen.get(key) : undefined;
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

/** Constants of more elements than this are the same only under the same name. */
const SMALL = 64;

/** What an input is: known integers and small constants by their elements, since every layer has axes and shapes under its own names. */
function contentNames({values, constants, types}: Graph): (name: string) => string {
	const found = new Map<string, string>();
	const describe = (name: string): string => {
		const elements = values.get(name);
		const constant = constants.get(name);
		const {dtype, shape} = types.get(name) ?? {dtype: '', shape: []};
		const content =
			elements?.map(dimKey) ?? (constant && sizeOf(constant.dims) <= SMALL ? Array.from(constant.read() as ArrayLike<number | bigint>, numberText) : undefined);
		return content ? `${dtype}[${shape.map(dimKey).join()}]=${content.join()}` : `%${name}`;
	};

	return name => {
		const text = found.get(name) ?? describe(name);
		found.set(name, text);
		return text;
	};
}

const keyOf = ({op, inputs, attributes, outputs}: Node, nameOf: (name: string) => string): string =>
	JSON.stringify([op, inputs.map(nameOf), attributes, outputs.map(output => output !== '')], exactNumbers);
