/**
 * The residual stream of a transformer whose blocks begin with an RMS norm: the values that only additions connect, what writes into
 * them (tables and linears) and what reads them (norms, and the linears behind those).
 */
import {readsOf} from '../graph/captures.js';
import type {Graph, Node} from '../graph/graph.js';

export type ResidualStream = {
	readonly width: number;
	/** Embeddings and linears whose outputs are added to the stream. */
	readonly writers: readonly Node[];
	/** With the linears that read each norm's output, and nothing else does. */
	readonly readers: ReadonlyArray<{readonly norm: Node; readonly linears: readonly Node[]}>;
};

/** Undefined where there is none, or where something else looks at it. */
export function findResidualStream(graph: Graph): ResidualStream | undefined {
	const producers = new Map(graph.nodes.flatMap(node => node.outputs.map(output => [output, node] as const)));
	const consumers = new Map<string, Node[]>();
	for (const node of graph.nodes) {
		for (const input of readsOf(node)) {
			consumers.set(input, [...(consumers.get(input) ?? []), node]);
		}
	}

	const outside = new Set([...graph.outputs, ...graph.states.map(({output}) => output)]);
	const widthOf = (value: string): unknown => graph.types.get(value)?.shape.at(-1);
	const start = graph.nodes.find(({op, inputs}) => op === 'snug.Embedding' && graph.constants.has(inputs[1]!))?.outputs[0];
	const width = start === undefined ? undefined : widthOf(start);
	if (start === undefined || typeof width !== 'number') {
		return undefined;
	}

	const writers = new Set<Node>();
	const readers: Array<ResidualStream['readers'][number]> = [];
	const queue = [start];
	const stream = new Set(queue);
	const reach = (value: string): void => {
		if (!stream.has(value)) {
			stream.add(value);
			queue.push(value);
		}
	};

	/** Codes of a file are kept as they are. */
	const isWeight = (node: Node): boolean => {
		const weight = graph.constants.get(node.inputs[1]!);
		return weight?.dtype === 'float32' && !weight.quantized;
	};

	/** Looks only at the innermost axis, and scales it by a constant. */
	const isNorm = ({op, inputs, outputs, attributes}: Node): boolean => {
		const scale = graph.constants.get(inputs[1] ?? '');
		const axis = Number(attributes['axis'] ?? -1);
		const rank = graph.types.get(inputs[0]!)!.shape.length;
		return op === 'RMSNormalization' && (axis === -1 || axis === rank - 1) && scale?.dims.length === 1 && scale.dims[0] === width && !outputs[1];
	};

	for (let value = queue.pop(); value !== undefined; value = queue.pop()) {
		const producer = producers.get(value);
		if (outside.has(value) || widthOf(value) !== width || !producer) {
			return undefined;
		}

		if (producer.op === 'Add') {
			producer.inputs.forEach(reach);
		} else if ((producer.op === 'snug.Embedding' || producer.op === 'snug.Linear') && isWeight(producer)) {
			writers.add(producer);
		} else {
			return undefined;
		}

		for (const consumer of consumers.get(value) ?? []) {
			if (consumer.op === 'Add') {
				reach(consumer.outputs[0]!);
				continue;
			}

			const normed = consumer.outputs[0]!;
			const linears = consumers.get(normed) ?? [];
			if (
				!isNorm(consumer) ||
				outside.has(normed) ||
				linears.some(({op, inputs}) => op !== 'snug.Linear' || inputs[0] !== normed) ||
				!linears.every(isWeight)
			) {
				return undefined;
			}

			readers.push({norm: consumer, linears});
		}
	}

	return readers.length > 0 ? {width, writers: [...writers], readers} : undefined;
}
