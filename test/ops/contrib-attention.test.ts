/** Attention of ai.onnx and com.microsoft, and the fused products, against ONNX Runtime. */
import test from 'ava';
import {float32, int64, sizeOf, type Tensor} from '../../compiler/graph/tensor.js';
import {difference} from '../helpers/compare.js';
import {randomNumbers, runOracle, runOurs, type Case} from '../helpers/oracle.js';

const domain = 'com.microsoft';
let seed = 1000;
const random = (dims: readonly number[], scale = 1): Tensor => float32(dims, randomNumbers(sizeOf(dims), ++seed, scale));
const integers = (dtype: 'int8' | 'uint8', dims: readonly number[]): Tensor => {
	const values = randomNumbers(sizeOf(dims), ++seed, 30).map(value => (dtype === 'int8' ? value : value + 128));
	return {dtype, dims, data: dtype === 'int8' ? Int8Array.from(values) : Uint8Array.from(values)};
};

const int32 = (dims: readonly number[], values: readonly number[]): Tensor => ({dtype: 'int32', dims, data: Int32Array.from(values)});
const bool = (dims: readonly number[], values: readonly number[]): Tensor => ({dtype: 'bool', dims, data: Uint8Array.from(values)});
const f32 = (rank: number) => ['float32', rank] as const;

function agrees(title: string, given: Case, tolerance = {rtol: 1e-4, atol: 2e-5}): void {
	test(title, async t => {
		const expected = await runOracle(given);
		const actual = runOurs(given);
		for (const [index, tensor] of expected.entries()) {
			if (tensor) {
				t.is(difference(actual[index], tensor, tolerance), undefined, `output ${index}`);
			}
		}
	});
}

const [batch, heads, kvHeads, width, queries, past] = [2, 4, 2, 8, 3, 5];
const lower = Array.from({length: queries * queries}, (_, index) => (index % queries <= Math.floor(index / queries) ? 1 : 0));

const flat = (sequence: number): Tensor[] => [
	random([batch, queries, heads * width]),
	random([batch, sequence, kvHeads * width]),
	random([batch, sequence, kvHeads * width]),
];
const separate = (sequence: number): Tensor[] => [
	random([batch, heads, queries, width]),
	random([batch, kvHeads, sequence, width]),
	random([batch, kvHeads, sequence, width]),
];
const cache = (): Tensor[] => [random([batch, kvHeads, past, width]), random([batch, kvHeads, past, width])];
const sides = {q_num_heads: heads, kv_num_heads: kvHeads};

const onnx = (title: string, inputs: Case['inputs'], attributes: Case['attributes'], outputs: Case['outputs'] = [f32(inputs[0]!.dims.length)]): void => {
	agrees(`Attention of ai.onnx ${title}`, {op: 'Attention', opset: 23, inputs, attributes: attributes ?? {}, outputs});
};

onnx('with three axes', flat(4), sides);
onnx('with four axes and a soft cap', separate(4), {softcap: {float: 3}, scale: 0.5});
onnx('that is causal', flat(queries), {...sides, is_causal: 1});
onnx('with a past', [...flat(queries), undefined, ...cache()], sides, [f32(3), f32(4), f32(4)]);
onnx('with four axes, a past and a mask', [...separate(queries), random([batch, 1, queries, past + queries]), ...cache()], {}, [f32(4), f32(4), f32(4)]);
onnx('with a mask of booleans', [...separate(queries), bool([queries, queries], lower)], {});
onnx('with a mask of numbers', [...flat(4), random([queries, 4])], sides);

const hidden = heads * width;
const qkv = (keys: number): Tensor[] => [random([batch, queries, hidden]), random([batch, keys, hidden]), random([batch, keys, hidden])];
const full = (keys: number): Tensor[] => [random([batch, heads, keys, width]), random([batch, heads, keys, width])];
const multi = (title: string, inputs: Case['inputs'], attributes: Case['attributes'] = {}, outputs: Case['outputs'] = [f32(3)]): void => {
	agrees(`MultiHeadAttention ${title}`, {op: 'MultiHeadAttention', domain, inputs, attributes: {num_heads: heads, ...attributes}, outputs});
};

multi('with a bias', [...qkv(4), random([3 * hidden])]);
multi('that is causal', qkv(queries), {unidirectional: 1, scale: 0.6});
multi('with a padding mask', [...qkv(4), undefined, int32([batch, 4], [1, 1, 1, 0, 1, 1, 0, 0])]);
multi('with an attention bias', [...qkv(4), undefined, undefined, random([1, heads, queries, 4])]);
multi('with a past', [...qkv(queries), undefined, undefined, undefined, ...full(past)], {}, [f32(3), f32(4), f32(4)]);
multi('over separate heads of an encoder', [random([batch, queries, hidden]), ...full(6)]);

const projected = (title: string, rest: Case['inputs'], attributes: Case['attributes'] = {}, outputs: Case['outputs'] = [f32(3)]): void => {
	agrees(`Attention of com.microsoft ${title}`, {
		op: 'Attention',
		domain,
		inputs: [random([batch, queries, 16]), random([16, 3 * hidden], 0.2), random([3 * hidden]), ...rest],
		constants: [1, 2],
		attributes: {num_heads: heads, ...attributes},
		outputs,
	});
};

projected('with a mask', [int32([batch, queries], [1, 1, 0, 1, 1, 1])]);
projected('with lengths', [int32([batch], [2, 3])]);
projected('with a mask for each query', [int32([batch, queries, queries], [...lower, ...lower])]);
projected('that is causal with a past', [undefined, random([2, batch, heads, past, width])], {unidirectional: 1}, [f32(3), f32(5)]);

for (const [transA, transB, transBatchA, transBatchB] of [
	[0, 1, 0, 0],
	[1, 0, 0, 0],
	[0, 0, 1, 1],
	[1, 1, 1, 1],
] as const) {
	const [b, m, k, n] = [2, 3, 4, 5];
	const matrix = (rows: number, columns: number, swapped: number, batched: number): Tensor => {
		const [r, c] = swapped ? [columns, rows] : [rows, columns];
		return random(batched ? [r, b, c] : [b, r, c]);
	};

	agrees(`FusedMatMul with transA ${transA}, transB ${transB}, transBatchA ${transBatchA}, transBatchB ${transBatchB}`, {
		op: 'FusedMatMul',
		domain,
		inputs: [matrix(m, k, transA, transBatchA), matrix(k, n, transB, transBatchB)],
		attributes: {transA, transB, transBatchA, transBatchB, alpha: {float: 0.3}},
		outputs: [f32(3)],
	});
}

for (const [activation, parameters] of [
	['Relu', []],
	['Clip', [-0.5, 0.7]],
	['LeakyRelu', [0.2]],
] as const) {
	agrees(`FusedConv with ${activation}`, {
		op: 'FusedConv',
		domain,
		inputs: [random([1, 2, 6, 6]), random([4, 2, 3, 3]), random([4])],
		constants: [1, 2],
		attributes: {activation, kernel_shape: [3, 3], pads: [1, 1, 1, 1], ...(parameters.length > 0 ? {activation_params: {floats: parameters}} : {})},
		outputs: [f32(4)],
	});
}

for (const quant_type of [0, 1]) {
	agrees(
		`MatMulBnb4 of ${quant_type === 0 ? 'FP4' : 'NF4'}`,
		{
			op: 'MatMulBnb4',
			domain,
			inputs: [random([3, 32]), integers('uint8', [64]), random([8], 0.5)],
			constants: [1, 2],
			attributes: {K: 32, N: 4, block_size: 16, quant_type},
			outputs: [f32(2)],
		},
		{rtol: 1e-3, atol: 1e-3},
	);
}

agrees('MatMulIntegerToFloat with a bias', {
	op: 'MatMulIntegerToFloat',
	domain,
	inputs: [
		integers('uint8', [3, 8]),
		integers('int8', [8, 5]),
		random([], 0.1),
		random([5], 0.1),
		{dtype: 'uint8', dims: [], data: Uint8Array.of(120)},
		undefined,
		random([5]),
	],
	constants: [1, 3],
	outputs: [f32(2)],
});

agrees(
	'DynamicQuantizeMatMul with a constant, to the precision of its rounding',
	{
		op: 'DynamicQuantizeMatMul',
		domain,
		inputs: [random([3, 8]), integers('int8', [8, 5]), random([], 0.01), undefined, random([5])],
		constants: [1, 2, 4],
		outputs: [f32(2)],
	},
	{rtol: 2e-2, atol: 5e-2},
);

agrees('DynamicQuantizeMatMul of two activations', {
	op: 'DynamicQuantizeMatMul',
	domain,
	inputs: [random([3, 8]), integers('int8', [8, 5]), random([], 0.1)],
	outputs: [f32(2)],
});

agrees('EmbedLayerNormalization', {
	op: 'EmbedLayerNormalization',
	domain,
	inputs: [
		int32([2, 3], [1, 4, 2, 0, 3, 3]),
		int32([2, 3], [0, 0, 1, 0, 1, 1]),
		random([5, 8]),
		random([6, 8]),
		random([2, 8]),
		random([8]),
		random([8]),
		int32([2, 3], [1, 1, 0, 1, 1, 1]),
	],
	constants: [2, 3, 4, 5, 6],
	attributes: {epsilon: {float: 1e-5}},
	outputs: [f32(3), ['int32', 1], f32(3)],
});

test('what an expansion does not honour is refused by its name', t => {
	const base: Case = {op: 'Attention', domain, inputs: [random([1, 2, 8]), random([8, 24])], attributes: {num_heads: 2, do_rotary: 1}, outputs: [f32(3)]};
	const error = t.throws(() => runOurs(base));
	t.regex(error.message, /do_rotary.*expected 0, found 1/);
	const positions = t.throws(() =>
		runOurs({op: 'RotaryEmbedding', domain, inputs: [random([1, 2, 8]), int64([1, 2, 1], [0, 1]), random([4, 4]), random([4, 4])], outputs: [f32(3)]}),
	);
	t.regex(positions.message, /position_ids has the wrong shape.*\[1, 2, 1\]/);
});
