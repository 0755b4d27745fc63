/** Tiny models through passes: the text before and after, and whether both compute the same. */
import {evaluate} from '../../compiler/graph/dim.js';
import type {Graph} from '../../compiler/graph/graph.js';
import {print} from '../../compiler/graph/print.js';
import {float32, int64, sizeOf, type Tensor} from '../../compiler/graph/tensor.js';
import {importModel, type ImportOptions} from '../../compiler/onnx/import.js';
import {expandComposites} from '../../compiler/passes/expand-composites.js';
import {optimize} from '../../compiler/passes/optimize.js';
import type {TypedGraph} from '../../compiler/passes/infer-types.js';
import type {Pass} from '../../compiler/passes/pass.js';
import {runReference} from '../../compiler/reference/run.js';
import {buildModel, type AttributeSpec, type ModelSpec, type NodeSpec} from './build-model.js';
import {difference} from './compare.js';
import {randomNumbers} from './random.js';

export const floats = (dims: readonly number[], seed = 1, scale = 1): Tensor => float32(dims, randomNumbers(sizeOf(dims), seed, scale));

export const scalar = (value: number): Tensor => float32([], [value]);

/** A node in one line: `node('Add', ['a', 'b'], 'c')`. */
export const node = (
	op: string,
	inputs: readonly string[],
	outputs: string | readonly string[],
	attributes: Readonly<Record<string, AttributeSpec>> = {},
): NodeSpec => ({
	op,
	inputs,
	outputs: typeof outputs === 'string' ? [outputs] : outputs,
	attributes,
});

export type Passed = {
	readonly before: Graph;
	readonly typed: TypedGraph;
	readonly graph: Graph;
	/** The lines of the nodes after the passes, without names and types. */
	readonly text: readonly string[];
	/** The ops after the passes, in order. */
	readonly ops: readonly string[];
	/** For each output that differs between before and after, a sentence. */
	readonly differences: readonly string[];
};

export type PassOptions = ImportOptions & {
	readonly feeds?: Readonly<Record<string, Tensor>>;
	/** Values of the symbols in the run; 3 unless given. */
	readonly bindings?: Readonly<Record<string, number>>;
	readonly atol?: number;
	/** The most positions, past and new ones together, that the model is compiled for. */
	readonly positions?: number;
};

/** Imports the model, runs the passes, and runs the graphs before and after on the same random feeds. */
export function pass(spec: ModelSpec, passes: readonly Pass[], options: PassOptions = {}): Passed {
	const {positions} = options;
	const graph = importModel({bytes: buildModel(spec)}, positions === undefined ? options : {...options, maxSequence: positions});
	const bounded = positions === undefined ? graph : {...graph, limits: {'past + sequence': {min: 1, max: positions}}};
	return passGraph(optimize(bounded, []).graph, passes, options);
}

export function passGraph(before: Graph, passes: readonly Pass[], options: PassOptions = {}): Passed {
	const typed = optimize(before, passes);
	const {graph} = typed;
	const bindings = {...Object.fromEntries(Object.keys(before.symbols).map(name => [name, 3])), ...options.bindings};
	const feeds = feedsOf(before, bindings, options.feeds);
	// Composites have no evaluation of their own.
	const expected = runReference(optimize(before, [expandComposites]).graph, feeds, bindings);
	const actual = runReference(graph, feeds, bindings);
	const differences = [...expected].flatMap(([name, tensor]) => {
		const problem = difference(actual.get(name), tensor, {rtol: 1e-4, atol: options.atol ?? 1e-5});
		return problem === undefined ? [] : [`${name}: ${problem}`];
	});
	return {before, typed, graph, text: lines(graph), ops: graph.nodes.map(({op}) => op), differences};
}

/** `y = Add(x, b) {axis=1}`, a line a node: `print` without types. */
export const lines = (graph: Graph): string[] =>
	print(graph)
		.split('\n')
		.filter(line => line.includes(' = '))
		.map(line =>
			line
				.trim()
				.replace(/: (\w+\[[^\]]*\]|\?)/g, '')
				.replaceAll('%', ''),
		);

function feedsOf(graph: Graph, bindings: Readonly<Record<string, number>>, given: Readonly<Record<string, Tensor>> = {}): Map<string, Tensor> {
	return new Map(
		graph.inputs.map((name, index) => {
			const {dtype, shape} = graph.types.get(name)!;
			const dims = shape.map(dim => evaluate(dim, bindings));
			return [name, given[name] ?? randomTensor(dtype, dims, index + 11)] as const;
		}),
	);
}

function randomTensor(dtype: string, dims: readonly number[], seed: number): Tensor {
	const numbers = randomNumbers(sizeOf(dims), seed);
	switch (dtype) {
		case 'float32': {
			return float32(dims, numbers);
		}

		case 'int64': {
			return int64(
				dims,
				numbers.map(value => Math.floor(Math.abs(value) * 2)),
			);
		}

		case 'bool': {
			return {dtype: 'bool', dims, data: Uint8Array.from(numbers, value => Number(value > 0))};
		}

		default: {
			throw new Error(`no random ${dtype}`);
		}
	}
}
