/** Attention on half floats: kernels and reference know float32 alone, so that halves are widened on the way in and narrowed on the way out. */
import test from 'ava';
import {float32, type Tensor} from '../compiler/graph/tensor.js';
import {importModel} from '../compiler/onnx/import.js';
import {cast} from '../compiler/ops/math/cast.js';
import {optimize} from '../compiler/passes/optimize.js';
import {lower} from '../compiler/plan/lower.js';
import {runReference} from '../compiler/reference/run.js';
import {buildModel} from './helpers/build-model.js';
import {difference} from './helpers/compare.js';
import {buildCases} from './helpers/conformance-program.js';

const dims = [1, 5, 16] as const;
const names = ['q', 'k', 'v'];
const values = names.map((_, seed) =>
	float32(
		dims,
		Float32Array.from({length: 80}, (_, index) => Math.sin(index * (seed + 1.3))),
	),
);

/** One after the other: queries, keys and values as columns of one input, which attention may read where they are. */
const joined = float32(
	[1, 5, 48],
	Array.from({length: 5}, (_, row) => values.flatMap(({data}) => [...(data as Float32Array).subarray(row * 16, row * 16 + 16)])).flat(),
);

async function run(dtype: 'float32' | 'float16' | 'bfloat16', split: boolean) {
	const attributes = {q_num_heads: 2, kv_num_heads: 2, is_causal: 1};
	const attention = {op: 'Attention', inputs: names, outputs: ['y'], attributes};
	const model = buildModel({
		opsets: {'': 23},
		inputs: split ? {x: [dtype, [1, 5, 48]]} : Object.fromEntries(names.map(name => [name, [dtype, dims] as const])),
		outputs: {y: [dtype]},
		nodes: split ? [{op: 'Split', inputs: ['x'], outputs: names, attributes: {axis: 2, num_outputs: 3}}, attention] : [attention],
	});
	const typed = optimize(importModel({bytes: model}));
	const feeds = new Map<string, Tensor>(split ? [['x', cast(joined, dtype)]] : names.map((name, index) => [name, cast(values[index]!, dtype)] as const));
	const program = lower(typed, new Map(), {cachePrecision: 'float32', positions: 1});
	const cases = await buildCases([{name: 'case', typed, weights: [], program, constants: [], feeds, expected: new Map()}]);
	return {reference: runReference(typed.graph, feeds).get('y')!, program: cases.run('case').get('y')!};
}

for (const [dtype, tolerance] of [
	['float16', {rtol: 2 ** -10, atol: 2 ** -9}],
	['bfloat16', {rtol: 2 ** -7, atol: 2 ** -6}],
] as const) {
	for (const split of [false, true]) {
		test(`attention on ${dtype} is that on float32, rounded${split ? ', also on columns of one tensor' : ''}`, async t => {
			const wide = await run('float32', split);
			const half = await run(dtype, split);
			const expected = cast(wide.reference, dtype);
			t.is(difference(wide.program, wide.reference), undefined);
			t.is(difference(half.reference, expected, tolerance), undefined);
			t.is(difference(half.program, half.reference, tolerance), undefined);
		});
	}
}
