/** Values that follow from constants alone, before they are folded: what they are made of, and their elements when asked for. */
import {exactNumbers, hasPlainAttributes} from '../graph/attribute-text.js';
import {controlFlow} from '../graph/captures.js';
import {isNumber, keyOf as dimKey} from '../graph/dim.js';
import {fromElements} from '../graph/elements.js';
import type {Node} from '../graph/graph.js';
import {tensor, type Tensor} from '../graph/tensor.js';
import {evaluateContext} from '../ops/context.js';
import {findOp, type TypedGraph} from './infer-types.js';

export type ConstantExpressions = {
	readonly typed: TypedGraph;
	/** The node that makes a value. */
	producer(value: string): Node | undefined;
	/** Whether a value follows from constants alone. */
	holds(value: string): boolean;
	/** Its elements, computed anew at each call. @param found What calls that belong together have computed. */
	read(value: string, found?: Map<string, Tensor>): Tensor;
	/** Stands for how it is made: equal keys mean equal elements. */
	keyOf(value: string): string;
	/** A key for a text. */
	shorten(text: string): string;
};

/** Nodes of an expression one behind the other; values behind more are left alone. */
const DEEPEST = 500;

/** Undefined where one is more than numbers and texts. */
export const attributesOf = (node: Node): string | undefined => (hasPlainAttributes(node) ? JSON.stringify(node.attributes, exactNumbers) : undefined);

export function constantExpressions(typed: TypedGraph): ConstantExpressions {
	const {graph, known} = typed;
	const producers = new Map<string, Node>();
	const held = new Set<string>();
	const depths = new Map<string, number>();
	const integersOf = (value: string): readonly number[] | undefined => {
		const elements = known.get(value);
		return elements?.every(isNumber) ? elements : undefined;
	};

	const keys = new Map<string, string>();
	const numbers = new Map<string, string>();
	/** A number for each text, else texts would double where a value is used twice. */
	const shorten = (text: string): string => {
		const found = numbers.get(text) ?? `#${numbers.size}`;
		numbers.set(text, found);
		return found;
	};

	/** Nodes are met in order, so that what they read has its key. */
	const keyOf = (value: string): string => {
		const elements = integersOf(value);
		if (elements) {
			const {dtype, shape} = graph.types.get(value)!;
			return shorten(`${dtype}[${shape.map(dimKey).join()}]=${elements.join()}`);
		}

		return keys.get(value) ?? (value === '' ? '' : shorten(JSON.stringify(value)));
	};

	const holds = (value: string): boolean => graph.constants.has(value) || integersOf(value) !== undefined || held.has(value);
	for (const node of graph.nodes) {
		const follows =
			!controlFlow.has(node.op) &&
			!node.op.startsWith('Random') &&
			findOp(node).evaluate !== undefined &&
			node.inputs.length > 0 &&
			node.inputs.every(input => input === '' || holds(input)) &&
			node.outputs.every(output => output === '' || graph.types.get(output)!.shape.every(isNumber));
		const depth = 1 + Math.max(0, ...node.inputs.map(input => depths.get(input) ?? 0));
		for (const [index, output] of node.outputs.entries()) {
			producers.set(output, node);
			if (follows && depth <= DEEPEST) {
				held.add(output);
				depths.set(output, depth);
				// Tensors and graphs among attributes stand for themselves.
				const attributes = attributesOf(node);
				keys.set(output, shorten(attributes === undefined ? JSON.stringify(output) : `${node.op}${attributes}${index}(${node.inputs.map(keyOf).join()})`));
			}
		}
	}

	const read = (value: string, found = new Map<string, Tensor>()): Tensor => {
		const tensorOf = found.get(value) ?? compute(value, found);
		found.set(value, tensorOf);
		return tensorOf;
	};

	const compute = (value: string, found: Map<string, Tensor>): Tensor => {
		const constant = graph.constants.get(value);
		const elements = constant ? undefined : integersOf(value);
		if (constant ?? elements) {
			return constant ? tensor(constant) : fromElements(graph.types.get(value)!, elements!);
		}

		const node = producers.get(value)!;
		const inputs = node.inputs.map(input => (input === '' ? undefined : read(input, found)));
		return findOp(node).evaluate!(evaluateContext(node, inputs))[node.outputs.indexOf(value)]!;
	};

	return {typed, producer: value => producers.get(value), holds, read, keyOf, shorten};
}
