/** The slow interpreter: `evaluate` of every node in order. The oracle of kernels and passes. */
import {evaluate as evaluateDim} from '../graph/dim.js';
import type {Graph} from '../graph/graph.js';
import {tensor, type Tensor} from '../graph/tensor.js';
import {allocate, bytesOf} from '../graph/dtype.js';
import {SnugError} from '../error.js';
import {describeNode} from '../graph/graph.js';
import {evaluateContext} from '../ops/context.js';
import {findOp} from '../passes/infer-types.js';

/**
 * Runs the graph on `feeds`, one tensor for each input.
 * @param bindings Values of symbols that the inputs' dims do not determine; the others are read off the feeds.
 * @returns every output, and the outputs of states.
 */
export function runReference(graph: Graph, feeds: ReadonlyMap<string, Tensor>, bindings: Readonly<Record<string, number>> = {}): Map<string, Tensor> {
	const symbols: Record<string, number> = {...bindings};
	for (const name of graph.inputs) {
		const feed = feeds.get(name);
		for (const [axis, dim] of (graph.types.get(name)?.shape ?? []).entries()) {
			if (feed && typeof dim !== 'number' && dim.key in graph.symbols) {
				symbols[dim.key] ??= feed.dims[axis]!;
			}
		}
	}

	const values = new Map<string, Tensor>(feeds);
	const uses = new Map<string, number>();
	for (const name of [...graph.nodes.flatMap(node => node.inputs), ...graph.outputs, ...graph.states.map(({output}) => output)]) {
		uses.set(name, (uses.get(name) ?? 0) + 1);
	}

	const get = (name: string): Tensor | undefined => {
		const value = values.get(name);
		if (value) {
			return value;
		}

		const constant = graph.constants.get(name);
		const elements = graph.values.get(name);
		if (constant) {
			return tensor(constant);
		}

		if (elements) {
			const {dtype, shape} = graph.types.get(name)!;
			const data = allocate(dtype, elements.length);
			for (const [index, dim] of elements.entries()) {
				const element = evaluateDim(dim, symbols);
				data[index] = bytesOf(dtype) === 8 && dtype !== 'float64' ? BigInt(element) : element;
			}

			return {dtype, dims: shape.map(dim => evaluateDim(dim, symbols)), data};
		}

		return undefined;
	};

	for (const node of graph.nodes) {
		const op = findOp(node);
		if (!op.evaluate) {
			throw new SnugError('unknown-op', {subject: describeNode(node), problem: 'the op has no reference evaluation'});
		}

		const outputs = op.evaluate(
			evaluateContext(
				node,
				node.inputs.map(name => (name === '' ? undefined : get(name))),
			),
		);
		for (const [index, name] of node.outputs.entries()) {
			if (name !== '') {
				values.set(name, outputs[index]!);
			}
		}

		for (const name of node.inputs) {
			const left = (uses.get(name) ?? 0) - 1;
			uses.set(name, left);
			if (left === 0) {
				values.delete(name);
			}
		}
	}

	return new Map([...graph.outputs, ...graph.states.map(({output}) => output)].map(name => [name, get(name)!]));
}
