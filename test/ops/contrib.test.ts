/** The com.microsoft ops and attention of ai.onnx against ONNX Runtime, on random inputs. */
import test from 'ava';
import {float32, int64, sizeOf, type Tensor} from '../../compiler/graph/tensor.js';
import {difference} from '../helpers/compare.js';
import {randomNumbers, runOracle, runOurs, type Case} from '../helpers/oracle.js';

const domain = 'com.microsoft';
let seed = 0;
const random = (dims: readonly number[], scale = 1): Tensor => float32(dims, randomNumbers(sizeOf(dims), ++seed, scale));
const bytes = (dims: readonly number[]): Tensor => ({
	dtype: 'uint8',
	dims,
	data: Uint8Array.from(randomNumbers(sizeOf(dims), ++seed, 60), value => value + 128),
});
const int32 = (dims: readonly number[], values: readonly number[]): Tensor => ({dtype: 'int32', dims, data: Int32Array.from(values)});
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

for (const bits of [2, 4, 8]) {
	for (const zeros of ['none', 'packed', 'float'] as const) {
		// ONNX Runtime's processor kernels refuse zero points of this form for 8 bits.
		if (bits === 8 && zeros === 'float') {
			continue;
		}

		const [rows, columns, block] = [5, 96, 32];
		const blocks = columns / block;
		const zero = {
			none: undefined,
			packed: bytes([rows * Math.ceil((blocks * bits) / 8)]),
			float: float32(
				[rows, blocks],
				randomNumbers(rows * blocks, ++seed, 1).map(value => value + 7),
			),
		}[zeros];
		agrees(
			`MatMulNBits of ${bits} bits with zero points ${zeros}`,
			{
				op: 'MatMulNBits',
				domain,
				inputs: [random([2, 3, columns]), bytes([rows, blocks, (block * bits) / 8]), random([rows * blocks], 0.1), zero, undefined, random([rows])],
				constants: [1, 2, 3, 5],
				attributes: {K: columns, N: rows, bits, block_size: block},
				outputs: [f32(3)],
			},
			{rtol: 1e-3, atol: 1e-3},
		);
	}
}

agrees(
	'MatMulNBits with a last block that is cut and scales by rows',
	{
		op: 'MatMulNBits',
		domain,
		inputs: [random([3, 40]), bytes([4, 2, 16]), random([4, 2], 0.1)],
		constants: [1, 2],
		attributes: {K: 40, N: 4, bits: 4, block_size: 32},
		outputs: [f32(2)],
	},
	{rtol: 1e-3, atol: 1e-3},
);

for (const bits of [4, 8]) {
	agrees(`GatherBlockQuantized of ${bits} bits`, {
		op: 'GatherBlockQuantized',
		domain,
		inputs: [bytes([7, (64 * bits) / 8]), int64([2, 2], [3, 0, 6, 1]), random([7, 2], 0.1), bits === 4 ? bytes([7, 1]) : undefined],
		constants: [0, 2, 3],
		attributes: {bits, block_size: 32, quantize_axis: 1, gather_axis: 0},
		outputs: [f32(3)],
	});
}

const tables = (positions: number, half: number): [Tensor, Tensor] => [random([positions, half]), random([positions, half])];

function grouped({
	batch = 1,
	sequence = 3,
	past = 0,
	packed = false,
	attributes = {},
	bias = false,
	positions = false,
}: {
	batch?: number;
	sequence?: number;
	past?: number;
	packed?: boolean;
	attributes?: NonNullable<Case['attributes']>;
	bias?: boolean;
	positions?: boolean;
}): Case {
	const [heads, kvHeads, width] = [4, 2, 16];
	const total = past + sequence;
	const caches = past > 0 ? [random([batch, kvHeads, past, width]), random([batch, kvHeads, past, width])] : [undefined, undefined];
	const qkv = packed
		? [random([batch, sequence, (heads + 2 * kvHeads) * width]), undefined, undefined]
		: [heads, kvHeads, kvHeads].map(count => random([batch, sequence, count * width]));
	return {
		op: 'GroupQueryAttention',
		domain,
		inputs: [
			...qkv,
			...caches,
			int32(
				[batch],
				Array.from({length: batch}, () => total - 1),
			),
			int32([], [total]),
			...(attributes['do_rotary'] === 1 ? tables(16, width / 2) : [undefined, undefined]),
			positions
				? int64(
						[batch, sequence],
						Array.from({length: batch * sequence}, (_, index) => past + (index % sequence)),
					)
				: undefined,
			bias ? random([1, heads, sequence, total]) : undefined,
		],
		attributes: {num_heads: heads, kv_num_heads: kvHeads, ...attributes},
		outputs: [f32(3), f32(4), f32(4)],
	};
}

agrees('GroupQueryAttention of a prompt', grouped({sequence: 5}));
agrees('GroupQueryAttention of a batch of prompts', grouped({batch: 2, sequence: 5, attributes: {do_rotary: 1}}));
agrees('GroupQueryAttention with packed inputs, rotary embedding and a past', grouped({sequence: 1, past: 6, packed: true, attributes: {do_rotary: 1}}));
agrees('GroupQueryAttention with interleaved rotary embedding', grouped({sequence: 4, attributes: {do_rotary: 1, rotary_interleaved: 1}}));
agrees('GroupQueryAttention with a window', grouped({sequence: 7, attributes: {local_window_size: 3}}));
agrees('GroupQueryAttention with a window and a past', grouped({sequence: 1, past: 7, attributes: {local_window_size: 3}}));
agrees('GroupQueryAttention with a soft cap and a scale', grouped({sequence: 4, attributes: {softcap: 2.5, scale: 0.7}}));
agrees('GroupQueryAttention with a bias', grouped({sequence: 4, bias: true}));
agrees('GroupQueryAttention with positions', grouped({sequence: 4, positions: true, attributes: {do_rotary: 1}}));

/** Rows of `gain.length` numbers over their root mean square, times the gain. */
function normalised({dims, data}: Tensor, gain: Tensor): Tensor {
	const [rows, gains] = [data as Float32Array, gain.data as Float32Array];
	return float32(
		dims,
		rows.map((value, index) => {
			const row = rows.subarray(index - (index % gains.length)).subarray(0, gains.length);
			return (value * gains[index % gains.length]!) / Math.sqrt(row.reduce((sum, x) => sum + x * x, 0) / gains.length + 1e-6);
		}),
	);
}

test('GroupQueryAttention with gains normalises each head of query and key first', async t => {
	// ONNX Runtime has no processor kernel for the gains, so it is given the normalised heads.
	const raw = grouped({sequence: 4, attributes: {do_rotary: 1}});
	const gains = [random([16]), random([16])] as const;
	const [q, k, ...rest] = raw.inputs;
	const expected = await runOracle({...raw, inputs: [normalised(q!, gains[0]), normalised(k!, gains[1]), ...rest]});
	const actual = runOurs({...raw, inputs: [...raw.inputs, undefined, undefined, undefined, ...gains]});
	for (const [index, tensor] of expected.entries()) {
		t.is(difference(actual[index], tensor!, {rtol: 1e-4, atol: 2e-5}), undefined, `output ${index}`);
	}
});

test('GroupQueryAttention refuses what it does not honour, by name', t => {
	const raw = grouped({sequence: 2});
	t.throws(() => runOurs({...raw, attributes: {...raw.attributes, smooth_softmax: 1}}), {message: /smooth_softmax.*expected -1 or 0, found 1/});
	t.throws(() => runOurs({...raw, inputs: [...raw.inputs, random([4])]}), {message: /input 11 \(head_sink\)/});
});

for (const [title, interleaved, past] of [
	['halves', 0, false],
	['pairs', 1, true],
] as const) {
	agrees(`RotaryEmbedding of com.microsoft in ${title}`, {
		op: 'RotaryEmbedding',
		domain,
		inputs: [random([2, 3, 16]), past ? int64([1], [4]) : int64([2, 3], [0, 1, 2, 5, 6, 7]), ...tables(10, 4)],
		attributes: {interleaved},
		outputs: [f32(3)],
	});
}

agrees('RotaryEmbedding of com.microsoft with separate heads', {
	op: 'RotaryEmbedding',
	domain,
	inputs: [random([2, 2, 3, 8]), int64([2, 3], [0, 1, 2, 5, 6, 7]), ...tables(10, 4)],
	outputs: [f32(4)],
});

for (const rank of [3, 4]) {
	agrees(`RotaryEmbedding of ai.onnx with ${rank} axes`, {
		op: 'RotaryEmbedding',
		opset: 23,
		inputs: [rank === 3 ? random([2, 3, 16]) : random([2, 2, 3, 8]), ...tables(10, 4), int64([2, 3], [0, 1, 2, 5, 6, 7])],
		attributes: rank === 3 ? {num_heads: 2} : {},
		outputs: [f32(rank)],
	});
}

agrees('RotaryEmbedding of ai.onnx that turns a part of each head', {
	op: 'RotaryEmbedding',
	opset: 23,
	inputs: [random([2, 2, 3, 8]), random([2, 3, 2]), random([2, 3, 2])],
	attributes: {rotary_embedding_dim: 4, interleaved: 1},
	outputs: [f32(4)],
});

agrees('SkipSimplifiedLayerNormalization', {
	op: 'SkipSimplifiedLayerNormalization',
	domain,
	inputs: [random([2, 3, 8]), random([2, 3, 8]), random([8])],
	attributes: {epsilon: {float: 1e-5}},
	outputs: [f32(3), undefined, undefined, f32(3)],
});

agrees('SkipSimplifiedLayerNormalization with a bias and one output', {
	op: 'SkipSimplifiedLayerNormalization',
	domain,
	inputs: [random([2, 3, 8]), random([2, 3, 8]), random([8]), random([8])],
	attributes: {epsilon: {float: 1e-5}},
	outputs: [f32(3)],
});

agrees('SkipLayerNormalization with beta and bias', {
	op: 'SkipLayerNormalization',
	domain,
	inputs: [random([2, 3, 8]), random([2, 3, 8]), random([8]), random([8]), random([8])],
	attributes: {epsilon: {float: 1e-5}},
	outputs: [f32(3), undefined, undefined, f32(3)],
});

for (const [op, inputs] of [
	['Gelu', [random([3, 8])]],
	['FastGelu', [random([3, 8]), random([8])]],
	['BiasGelu', [random([3, 8]), random([8])]],
	['QuickGelu', [random([3, 8])]],
] as const) {
	agrees(`${op} of com.microsoft`, {op, domain, inputs, outputs: [f32(2)]});
}
