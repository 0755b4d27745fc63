/**
 * The residual stream is rotated by one orthogonal matrix Q, so that no column of a weight stands out, and the gains of its norms go into
 * the weights behind them (SliceGPT, arXiv 2401.15024; QuaRot, arXiv 2404.00456). An RMS norm without gain does not notice: the outputs
 * stay the same up to rounding, and nothing is added to the program.
 *
 *   writers   tables E → E Q, linears W → Qᵀ W, b → b Q
 *   readers   W → W diag(gain) Q
 *
 * A head that shares the table stays E Q; Qᵀ diag(gain) Q becomes a small product before it.
 */
import {createRotation, rotateOutputs} from '../numeric/rotation.js';
import type {Graph, Node} from '../graph/graph.js';
import {constant, float32, type Constant} from '../graph/tensor.js';
import type {Pass} from './pass.js';
import {findResidualStream} from './residual-stream.js';
import {isSame} from './same-constant.js';

const SEED = 1;

export const rotateStream: Pass = {
	name: 'rotate-stream',
	mayHurt: true,
	description: 'The residual stream is rotated and the gains of its norms are folded, so that weights are easier to encode',
	run({graph}): Graph {
		const stream = findResidualStream(graph);
		if (!stream) {
			return graph;
		}

		const {width} = stream;
		const rotation = createRotation(width, SEED);
		const constants = new Map(graph.constants);
		const types = new Map(graph.types);
		const replaced = new Map<Node, readonly Node[]>();
		const put = (name: string, value: Constant): string => {
			constants.set(name, value);
			types.set(name, {dtype: value.dtype, shape: value.dims});
			return name;
		};

		const original = (name: string): Constant => graph.constants.get(name)!;
		const tables = stream.writers.filter(({op}) => op === 'snug.Embedding').map(({inputs}) => inputs[1]!);
		const weights = [...tables, ...stream.writers.filter(({op}) => op === 'snug.Linear').map(({inputs}) => inputs[1]!)];
		const heads = stream.readers.flatMap(({norm, linears}) =>
			linears.map(linear => ({norm, linear, table: tables.find(name => isSame(original(name), original(linear.inputs[1]!)))})),
		);
		// A matrix that serves in two other ways cannot be both.
		const names = [...weights, ...heads.filter(({table}) => table === undefined).map(({linear}) => linear.inputs[1]!)];
		const served = graph.nodes.filter(node => node.inputs.some((name, index) => names.includes(name) && !(index === 1 && isKnown(node))));
		function isKnown(node: Node): boolean {
			return stream!.writers.includes(node) || heads.some(({linear}) => linear === node);
		}

		// Neither can a bias that something else adds too.
		const biases = stream.writers.flatMap(({inputs}) => (inputs[2] ? [inputs[2]] : []));
		const shared = graph.nodes.flatMap(({inputs}) => inputs.filter(name => biases.includes(name)));
		if (new Set(names).size < names.length || served.length > 0 || shared.length > biases.length || new Set(biases).size < biases.length) {
			return graph;
		}

		for (const name of tables) {
			put(
				name,
				changed(original(name), data => rotation.rotate(data)),
			);
		}

		for (const {op, inputs} of stream.writers) {
			if (op !== 'snug.Linear') {
				continue;
			}

			const {dims} = original(inputs[1]!);
			put(
				inputs[1]!,
				changed(original(inputs[1]!), data => rotateOutputs(rotation, data, dims[1]!)),
			);
			if (inputs[2]) {
				put(
					inputs[2],
					changed(original(inputs[2]), data => rotation.rotate(data)),
				);
			}
		}

		for (const {norm} of stream.readers) {
			const ones = put(`${norm.inputs[1]!}/folded`, constant(float32([width], new Float32Array(width).fill(1))));
			replaced.set(norm, [{...norm, inputs: [norm.inputs[0]!, ones, ...norm.inputs.slice(2)]}]);
		}

		for (const {norm, linear, table} of heads) {
			const gain = original(norm.inputs[1]!);
			const fold = (data: Float32Array): void => {
				const gains = gain.read() as Float32Array;
				for (let index = 0; index < data.length; index++) {
					data[index]! *= gains[index % width]!;
				}

				rotation.rotate(data);
			};

			if (table === undefined) {
				put(linear.inputs[1]!, changed(original(linear.inputs[1]!), fold));
				continue;
			}

			const name = `${linear.outputs[0]!}/gain`;
			put(name, {dtype: 'float32', dims: [width, width], guarded: true, read: () => gainMatrix(width, fold, data => rotateOutputs(rotation, data, width))});
			const turned = `${linear.outputs[0]!}/turned`;
			replaced.set(linear, [
				{op: 'snug.Linear', name: `${linear.name}/gain`, inputs: [linear.inputs[0]!, name], outputs: [turned], attributes: {}},
				{...linear, inputs: [turned, table, ...linear.inputs.slice(2)]},
			]);
			types.set(turned, graph.types.get(linear.inputs[0]!)!);
		}

		return {...graph, nodes: graph.nodes.flatMap(node => replaced.get(node) ?? [node]), constants, types};
	},
};

/** The matrix G with x G ᵀ = ((x Qᵀ) diag(gain)) Q for rows x: Qᵀ diag(gain) Q. */
function gainMatrix(width: number, fold: (data: Float32Array) => void, outputs: (data: Float32Array) => void): Float32Array {
	const matrix = new Float32Array(width * width);
	for (let i = 0; i < width; i++) {
		matrix[i * width + i] = 1;
	}

	fold(matrix);
	outputs(matrix);
	return matrix;
}

/** The constant with its data changed whenever it is read. */
function changed({dtype, dims, read}: Constant, change: (data: Float32Array) => void): Constant {
	return {
		dtype,
		dims,
		read() {
			const data = Float32Array.from(read() as Float32Array);
			change(data);
			return data;
		},
	};
}
