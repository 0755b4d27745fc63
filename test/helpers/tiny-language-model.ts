/**
 * A tiny language model, made of arithmetic alone so that it is the same on every machine: three layers of width 64 with grouped
 * attention on a past, rotary positions, RMS norms and SwiGLU, and a head tied to the table of 96 tokens.
 */
import type {Tensor} from '../../compiler/graph/tensor.js';
import {float32} from '../../compiler/graph/tensor.js';
import {buildModel, type ModelSpec, type NodeSpec, type TypeSpec} from './build-model.js';
import {createRandom} from './random.js';

export const tiny = {vocabulary: 96, hidden: 64, layers: 3, heads: 4, kvHeads: 2, width: 16, inner: 96, positions: 128} as const;

const {vocabulary, hidden, layers, heads, kvHeads, width, inner, positions} = tiny;

/** Roughly normal: the sum of four uniform numbers. */
function weights(dims: readonly number[], seed: number, deviation: number, mean = 0): Tensor {
	const {next} = createRandom(seed);
	const length = dims.reduce((a, b) => a * b, 1);
	return float32(
		dims,
		Array.from({length}, () => mean + deviation * (next() + next() + next() + next() - 2)),
	);
}

/** Tables of a rotation whose cosine and sine are rational: the angle's half has the tangent t, and a row turns once more than the last. */
function rotations(): Readonly<Record<'cosine' | 'sine', Tensor>> {
	const half = width / 2;
	const cosine = new Float32Array(positions * half);
	const sine = new Float32Array(positions * half);
	for (let i = 0; i < half; i++) {
		const t = 0.5 / 2 ** i;
		const [c, s] = [(1 - t * t) / (1 + t * t), (2 * t) / (1 + t * t)];
		let [x, y] = [1, 0];
		for (let position = 0; position < positions; position++) {
			cosine[position * half + i] = x;
			sine[position * half + i] = y;
			[x, y] = [x * c - y * s, y * c + x * s];
		}
	}

	return {cosine: float32([positions, half], cosine), sine: float32([positions, half], sine)};
}

function layer(index: number): {readonly nodes: readonly NodeSpec[]; readonly initializers: Readonly<Record<string, Tensor>>} {
	const at = (name: string): string => `layers.${index}.${name}`;
	const matrix = (name: string, rows: number, columns: number, seed: number): [string, Tensor] => [
		at(name),
		weights([columns, rows], 100 * index + seed, 1.7 / Math.sqrt(columns)),
	];
	const input = index === 0 ? 'embedded' : `layers.${index - 1}.out`;
	const node = (op: string, inputs: readonly string[], outputs: readonly string[], attributes: NodeSpec['attributes'] = {}): NodeSpec => ({
		op,
		name: at(outputs[0]!),
		inputs,
		outputs,
		attributes,
	});
	const rotary = (from: string, to: string, count: number): NodeSpec =>
		node('RotaryEmbedding', [from, 'cosine', 'sine', 'position_ids'], [to], {num_heads: count});
	return {
		initializers: Object.fromEntries([
			matrix('q', heads * width, hidden, 1),
			matrix('k', kvHeads * width, hidden, 2),
			matrix('v', kvHeads * width, hidden, 3),
			matrix('o', hidden, heads * width, 4),
			matrix('gate', inner, hidden, 5),
			matrix('up', inner, hidden, 6),
			matrix('down', hidden, inner, 7),
			[at('norm1'), weights([hidden], 100 * index + 8, 0.1, 1)],
			[at('norm2'), weights([hidden], 100 * index + 9, 0.1, 1)],
		]),
		nodes: [
			node('RMSNormalization', [input, at('norm1')], [at('normed1')], {epsilon: {float: 1e-5}, axis: -1}),
			...['q', 'k', 'v'].map(name => node('MatMul', [at('normed1'), at(name)], [at(`${name}.y`)])),
			rotary(at('q.y'), at('q.turned'), heads),
			rotary(at('k.y'), at('k.turned'), kvHeads),
			node(
				'Attention',
				[at('q.turned'), at('k.turned'), at('v.y'), '', `past_key_values.${index}.key`, `past_key_values.${index}.value`],
				[at('attended'), `present.${index}.key`, `present.${index}.value`],
				{q_num_heads: heads, kv_num_heads: kvHeads, is_causal: 1},
			),
			node('MatMul', [at('attended'), at('o')], [at('o.y')]),
			node('Add', [input, at('o.y')], [at('middle')]),
			node('RMSNormalization', [at('middle'), at('norm2')], [at('normed2')], {epsilon: {float: 1e-5}, axis: -1}),
			...['gate', 'up'].map(name => node('MatMul', [at('normed2'), at(name)], [at(`${name}.y`)])),
			node('Sigmoid', [at('gate.y')], [at('sigmoid')]),
			node('Mul', [at('gate.y'), at('sigmoid')], [at('silu')]),
			node('Mul', [at('silu'), at('up.y')], [at('gated')]),
			node('MatMul', [at('gated'), at('down')], [at('down.y')]),
			node('Add', [at('middle'), at('down.y')], [at('out')]),
		],
	};
}

/** The bytes of the model file. */
export const tinyLanguageModel = (): Uint8Array => buildModel(tinyLanguageModelSpec());

export function tinyLanguageModelSpec(): ModelSpec {
	const made = Array.from({length: layers}, (_, index) => layer(index));
	const states = made.flatMap((_, index) => ['key', 'value'].map(name => `${index}.${name}`));
	const state = (length: string): TypeSpec => ['float32', ['batch_size', kvHeads, length, width]];
	const ids: TypeSpec = ['int64', ['batch_size', 'sequence_length']];
	return {
		name: 'tiny',
		opsets: {'': 23},
		inputs: {
			input_ids: ids,
			position_ids: ids,
			...Object.fromEntries(states.map(name => [`past_key_values.${name}`, state('past_sequence_length')])),
		},
		outputs: {
			logits: ['float32', ['batch_size', 'sequence_length', vocabulary]],
			...Object.fromEntries(states.map(name => [`present.${name}`, state('past_sequence_length + sequence_length')])),
		},
		initializers: {
			// Small beside what the layers add, so that the next token is not the last one again.
			table: weights([vocabulary, hidden], 11, 0.1),
			norm: weights([hidden], 12, 0.1, 1),
			...rotations(),
			...Object.fromEntries(made.flatMap(({initializers}) => Object.entries(initializers))),
		},
		nodes: [
			{op: 'Gather', name: 'embed', inputs: ['table', 'input_ids'], outputs: ['embedded']},
			...made.flatMap(({nodes}) => nodes),
			{op: 'RMSNormalization', name: 'last', inputs: [`layers.${layers - 1}.out`, 'norm'], outputs: ['normed'], attributes: {epsilon: {float: 1e-5}, axis: -1}},
			{op: 'Transpose', name: 'tie', inputs: ['table'], outputs: ['turned'], attributes: {perm: [1, 0]}},
			{op: 'MatMul', name: 'head', inputs: ['normed', 'turned'], outputs: ['logits']},
		],
	};
}
