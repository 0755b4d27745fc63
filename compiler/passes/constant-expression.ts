/** Values that follow from constants alone, before they are folded: what they are made of, and their elements when asked for. */
import {controlFlow} from '../graph/captures.js';
import {isNumber} from '../graph/dim.js';
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
	/** Its elements, computed anew at each call. */
	read(value: string): Tensor;
	/** How it is made: equal texts mean equal elements. */
	keyOf(value: string): string;
};

export function constantExpressions(typed: TypedGraph): ConstantExpressions {
	const {graph, known} = typed;
	const producers = new Map<string, Node>();
	const held = new Set<string>();
	const integersOf = (value: string): readonly number[] | undefined => {
		const elements = known.get(value);
		return elements?.every(isNumber) ? elements : undefined;
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
		for (const output of node.outputs) {
			producers.set(output, node);
			if (follows) {
				held.add(output);
			}
		}
	}

	const read = (value: string): Tensor => {
		const constant = graph.constants.get(value);
		const elements = constant ? undefined : integersOf(value);
		if (constant ?? elements) {
			return constant ? tensor(constant) : fromElements(graph.types.get(value)!, elements!);
		}

		const node = producers.get(value)!;
		const inputs = node.inputs.map(input => (input === '' ? undefined : read(input)));
		return findOp(node).evaluate!(evaluateContext(node, inputs))[node.outputs.indexOf(value)]!;
	};

	const keys = new Map<string, string>();
	const keyOf = (value: string): string => {
		const found = keys.get(value) ?? describe(value);
		keys.set(value, found);
		return found;
	};

	const describe = (value: string): string => {
		const elements = integersOf(value);
		if (value === '' || elements) {
			return elements ? `[${elements.join()}]` : '';
		}

		const node = graph.constants.has(value) ? undefined : producers.get(value)!;
		return node ? `${node.op}${JSON.stringify(node.attributes)}${node.outputs.indexOf(value)}(${node.inputs.map(keyOf).join()})` : JSON.stringify(value);
	};

	return {typed, producer: value => producers.get(value), holds, read, keyOf};
}
