/** Shapes and attributes that the ONNX backend cases leave out, against ONNX Runtime: the meaning, and the kernels. */
import test from 'ava';
import type {Attributes} from '../../compiler/graph/graph.js';
import {float32, sizeOf, type Tensor} from '../../compiler/graph/tensor.js';
import {ops} from '../../compiler/ops/index.js';
import {difference} from '../helpers/compare.js';
import {evaluateNode, lowerNode, makeNode} from '../helpers/lower-node.js';
import {randomNumbers, runOracle, type Case} from '../helpers/oracle.js';

let seed = 5000;
const random = (dims: readonly number[], scale = 1): Tensor => float32(dims, randomNumbers(sizeOf(dims), ++seed, scale));
const bytes = (dtype: 'int8' | 'uint8', dims: readonly number[]): Tensor => {
	const values = randomNumbers(sizeOf(dims), ++seed, 40).map(value => Math.max(-128, Math.min(127, Math.round(value))));
	return {dtype, dims, data: dtype === 'int8' ? Int8Array.from(values) : Uint8Array.from(values, value => value + 128)};
};

const f32 = (rank: number) => ['float32', rank] as const;

/** Attributes wrapped as `{float}` or `{floats}` for the file, as our graph holds them. */
const unwrap = (attributes: NonNullable<Case['attributes']>): Attributes =>
	Object.fromEntries(
		Object.entries(attributes).map(([name, value]) => [
			name,
			typeof value === 'object' && 'float' in value ? value.float : typeof value === 'object' && 'floats' in value ? value.floats : (value as number),
		]),
	);

function agrees(title: string, given: Case, tolerance = {rtol: 1e-4, atol: 2e-5}): void {
	test(`${given.op} ${title}`, async t => {
		const expected = await runOracle(given);
		const op = ops.get(given.op)!;
		const node = makeNode(given.op, given.inputs, unwrap(given.attributes ?? {}), given.outputs.length);
		const [evaluated, lowered] = [evaluateNode(op, node, given.inputs), lowerNode(op, node, given.inputs)];
		for (const [index, tensor] of expected.entries()) {
			if (tensor) {
				t.is(difference(evaluated[index], tensor, tolerance), undefined, `evaluate, output ${index}`);
				t.is(difference(lowered[index], tensor, tolerance), undefined, `lower, output ${index}`);
			}
		}
	});
}

for (const [a, b] of [
	[
		[3, 1, 5, 6],
		[1, 4, 6, 19],
	],
	[
		[2, 1, 7],
		[2, 7, 9],
	],
	[[5], [2, 5, 3]],
	[[2, 3, 5], [5]],
	[
		[4, 9, 33],
		[33, 17],
	],
	[[7], [7]],
] as const) {
	agrees(`of [${a.join(', ')}] and [${b.join(', ')}]`, {
		op: 'MatMul',
		inputs: [random(a), random(b)],
		outputs: [f32(Math.max(a.length, b.length) - (a.length === 1 ? 1 : 0) - (b.length === 1 ? 1 : 0))],
	});
}

agrees('with both transposed and a column', {
	op: 'Gemm',
	inputs: [random([6, 5]), random([9, 6]), random([5, 1])],
	attributes: {transA: 1, transB: 1, alpha: {float: 0.5}, beta: {float: 0.25}},
	outputs: [f32(2)],
});

for (const [equation, ...shapes] of [
	['bhqd,bhkd->bhqk', [2, 3, 4, 8], [2, 3, 5, 8]],
	['bqhd,bkhd->bhqk', [2, 4, 3, 8], [2, 5, 3, 8]],
	['bhqk,bkhd->bqhd', [2, 3, 4, 5], [2, 5, 3, 8]],
	['ij,jk,kl->il', [3, 4], [4, 5], [5, 6]],
	['...ij,...jk->...ik', [2, 5, 3, 4], [1, 5, 4, 6]],
	['ijk,kjl->il', [3, 4, 5], [5, 4, 2]],
	['ij,j', [3, 4], [4]],
	['iij->ji', [3, 3, 2]],
	['ij->', [3, 4]],
	['ab,cd->acbd', [2, 3], [4, 5]],
	['ij,kj->k', [3, 4], [5, 4]],
] as ReadonlyArray<readonly [string, ...number[][]]>) {
	const rank = {'ij,j': 1, '...ij,...jk->...ik': 4}[equation] ?? equation.split('->')[1]!.length;
	agrees(equation, {op: 'Einsum', inputs: shapes.map(shape => random(shape)), attributes: {equation}, outputs: [f32(rank)]});
}

agrees('of three operands in doubles', {
	op: 'Einsum',
	inputs: [
		[3, 4],
		[4, 5],
		[5, 6],
	].map(dims => ({dtype: 'float64', dims, data: Float64Array.from(randomNumbers(sizeOf(dims), ++seed))}) as const),
	attributes: {equation: 'ij,jk,kl->il'},
	outputs: [['float64', 2]],
});

const convolution = (title: string, x: readonly number[], w: readonly number[], attributes: Case['attributes'] = {}): void => {
	agrees(title, {op: 'Conv', inputs: [random(x), random(w), random([w[0]!])], attributes, outputs: [f32(x.length)]});
};

convolution('of 3 by 3 with padding, wide', [2, 3, 9, 37], [9, 3, 3, 3], {pads: [1, 1, 1, 1]});
convolution('with stride 2', [1, 3, 19, 41], [6, 3, 3, 3], {pads: [1, 1, 0, 2], strides: [2, 2]});
convolution('with stride 3 and dilation', [1, 2, 23, 61], [5, 2, 3, 3], {strides: [3, 3], dilations: [2, 2]});
convolution('by depth', [1, 8, 12, 20], [8, 1, 5, 5], {group: 8, pads: [2, 2, 2, 2]});
convolution('in groups', [2, 6, 8, 24], [9, 2, 3, 3], {group: 3, auto_pad: 'SAME_LOWER', strides: [2, 1]});
convolution('that is pointwise', [2, 5, 6, 7], [9, 5, 1, 1]);
convolution('over one axis', [2, 4, 50], [6, 4, 7], {strides: [2], pads: [3, 3]});
convolution('over three axes', [1, 2, 5, 6, 20], [4, 2, 2, 3, 3], {pads: [0, 1, 1, 1, 1, 1]});
convolution('with a kernel as wide as the input', [1, 2, 4, 3], [2, 2, 3, 3], {pads: [1, 1, 1, 1]});

for (const [title, x, w, attributes] of [
	['with stride 2 and groups', [2, 4, 5, 9], [4, 3, 3, 3], {group: 2, strides: [2, 2], pads: [1, 1, 1, 1], output_padding: [1, 1]}],
	['with stride 1 and dilation', [1, 3, 6, 11], [3, 2, 3, 3], {dilations: [2, 2], pads: [2, 2, 2, 2]}],
	['over one axis', [1, 3, 20], [3, 2, 4], {strides: [2], pads: [1, 1]}],
] as ReadonlyArray<readonly [string, readonly number[], readonly number[], Readonly<Record<string, number | readonly number[]>>]>) {
	agrees(title, {
		op: 'ConvTranspose',
		inputs: [random(x), random(w), random([w[1]! * Number(attributes['group'] ?? 1)])],
		attributes,
		outputs: [f32(x.length)],
	});
}

for (const [op, title, attributes] of [
	['MaxPool', 'with strides and padding', {kernel_shape: [3, 2], strides: [2, 1], pads: [1, 0, 1, 1]}],
	['MaxPool', 'with a ceiling', {kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1}],
	['AveragePool', 'with padding left out', {kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1]}],
	['AveragePool', 'with padding counted', {kernel_shape: [3, 2], strides: [2, 1], pads: [1, 0, 1, 1], count_include_pad: 1}],
	['AveragePool', 'with a ceiling', {kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1}],
	['LpPool', 'with strides and padding', {kernel_shape: [3, 2], strides: [2, 1], pads: [1, 0, 1, 1], p: 2}],
	['LpPool', 'of absolute values', {kernel_shape: [2, 2], p: 1}],
] as ReadonlyArray<readonly [string, string, NonNullable<Case['attributes']>]>) {
	agrees(title, {op, inputs: [random([2, 3, 10, 12])], attributes, outputs: [f32(4)]});
}

agrees('with indices counted by columns', {
	op: 'MaxPool',
	inputs: [random([2, 2, 5, 6])],
	attributes: {kernel_shape: [2, 2], strides: [2, 2], storage_order: 1},
	outputs: [f32(4), ['int64', 4]],
});

const cell = (
	title: string,
	op: string,
	gates: number,
	{
		directions = 1,
		attributes = {},
		lengths = false,
		peepholes = false,
		start = true,
	}: {directions?: number; attributes?: Case['attributes']; lengths?: boolean; peepholes?: boolean; start?: boolean},
): void => {
	const [steps, batch, width, hidden] = [5, 3, 4, 6];
	const state = (): Tensor | undefined => (start ? random([directions, batch, hidden]) : undefined);
	agrees(title, {
		op,
		inputs: [
			random([steps, batch, width]),
			random([directions, gates * hidden, width], 0.5),
			random([directions, gates * hidden, hidden], 0.5),
			random([directions, 2 * gates * hidden]),
			lengths ? {dtype: 'int32', dims: [batch], data: Int32Array.of(5, 2, 4)} : undefined,
			state(),
			...(op === 'LSTM' ? [state(), peepholes ? random([directions, 3 * hidden]) : undefined] : []),
		],
		attributes: {hidden_size: hidden, ...(directions === 2 ? {direction: 'bidirectional'} : {}), ...attributes},
		outputs: op === 'LSTM' ? [f32(4), f32(3), f32(3)] : [f32(4), f32(3)],
	});
};

cell('in both directions with lengths', 'LSTM', 4, {directions: 2, lengths: true});
cell('in reverse with peepholes', 'LSTM', 4, {attributes: {direction: 'reverse'}, peepholes: true});
cell('with a clip', 'LSTM', 4, {attributes: {clip: {float: 0.5}}, start: false});
cell('with other activations', 'LSTM', 4, {
	attributes: {activations: ['HardSigmoid', 'Softsign', 'Relu'], activation_alpha: {floats: [0.3]}, activation_beta: {floats: [0.4]}},
});
cell('in both directions with lengths', 'GRU', 3, {directions: 2, lengths: true});
cell('with the linear part before the reset', 'GRU', 3, {attributes: {linear_before_reset: 1}});
cell('in both directions with lengths', 'RNN', 1, {directions: 2, lengths: true});

agrees('over blocks', {
	op: 'DequantizeLinear',
	inputs: [bytes('int8', [6, 8]), random([3, 8], 0.1), bytes('int8', [3, 8])],
	attributes: {axis: 0, block_size: 2},
	outputs: [f32(2)],
});
agrees('along the first axis', {
	op: 'QuantizeLinear',
	inputs: [random([3, 40], 5), float32([3], [0.1, 0.05, 0.2]), bytes('int8', [3])],
	attributes: {axis: 0},
	outputs: [['int8', 2]],
});

for (const [x, w] of [
	['uint8', 'int8'],
	['uint8', 'uint8'],
	['int8', 'int8'],
] as const) {
	const zero = (dtype: 'int8' | 'uint8'): Tensor => ({dtype, dims: [], data: dtype === 'int8' ? Int8Array.of(3) : Uint8Array.of(131)});
	// Where a processor has no VNNI, ONNX Runtime adds pairs of products of uint8 and int8 in 16 bits: these fit.
	const weights = bytes(w, [33, 19]);
	const narrow = x === 'uint8' && w === 'int8' ? {...weights, data: Int8Array.from(weights.data as Int8Array, value => value >> 1)} : weights;
	agrees(`of ${x} and ${w}`, {op: 'MatMulInteger', inputs: [bytes(x, [2, 5, 33]), narrow, zero(x), zero(w)], outputs: [['int32', 3]]});
	agrees(`of ${x} and ${w}`, {
		op: 'QLinearConv',
		inputs: [
			bytes(x, [1, 3, 9, 9]),
			float32([], [0.05]),
			zero(x),
			bytes(w, [4, 3, 3, 3]),
			float32([4], [0.02, 0.03, 0.01, 0.04]),
			w === 'int8' ? {dtype: 'int8', dims: [4], data: new Int8Array(4)} : zero(w),
			float32([], [0.4]),
			zero(x),
			{dtype: 'int32', dims: [4], data: Int32Array.of(100, -200, 50, 7)},
		],
		attributes: {pads: [1, 1, 1, 1]},
		outputs: [[x, 4]],
	});
}
