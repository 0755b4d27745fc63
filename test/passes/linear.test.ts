/** Linear, its bias, embeddings, and siblings that are computed together. */
import test from 'ava';
import type {ModelSpec, NodeSpec} from '../helpers/build-model.js';
import {expandComposites} from '../../compiler/passes/expand-composites.js';
import {foldConstants} from '../../compiler/passes/fold-constants.js';
import {fuseBias, fuseLinear} from '../../compiler/passes/fuse-linear.js';
import {joinSiblings} from '../../compiler/passes/join-siblings.js';
import {simplify} from '../../compiler/passes/simplify.js';
import {float32, type Tensor} from '../../compiler/graph/tensor.js';
import {findWeights} from '../../compiler/allocate/weights.js';
import {floats, node, pass, type Passed} from '../helpers/run-passes.js';

const initializers: Readonly<Record<string, Tensor>> = {
	w: floats([4, 6], 1),
	w2: floats([4, 6], 2),
	t: floats([6, 4], 3),
	b: floats([6], 4),
	b2: floats([6], 5),
	row: float32([1, 6], floats([6], 6).data as Float32Array),
	rows: floats([3, 6], 7),
	table: floats([9, 4], 8),
};

const run = (nodes: readonly NodeSpec[], more: Partial<ModelSpec> = {}): Passed =>
	pass({inputs: {x: ['float32', ['rows', 4]]}, outputs: {y: ['float32', [null, null]]}, initializers, nodes, ...more}, [
		foldConstants,
		expandComposites,
		simplify,
		fuseLinear,
		fuseBias,
		joinSiblings,
	]);

const linears: Readonly<Record<string, {readonly nodes: readonly NodeSpec[]; readonly text: readonly string[]; readonly more?: Partial<ModelSpec>}>> = {
	'a product with a constant': {nodes: [node('MatMul', ['x', 'w'], 'y')], text: ['y = snug.Linear(x, w.T)']},
	'a product with a transposed constant': {
		nodes: [node('Transpose', ['t'], 'tt', {perm: [1, 0]}), node('MatMul', ['x', 'tt'], 'y')],
		text: ['y = snug.Linear(x, tt.T)'],
	},
	'a product and a vector': {nodes: [node('MatMul', ['x', 'w'], 'm'), node('Add', ['b', 'm'], 'y')], text: ['y = snug.Linear(x, w.T, b)']},
	'a product and a row': {nodes: [node('MatMul', ['x', 'w'], 'm'), node('Add', ['m', 'row'], 'y')], text: ['y = snug.Linear(x, w.T, row.flat)']},
	Gemm: {nodes: [node('Gemm', ['x', 't', 'b'], 'y', {transB: 1})], text: ['y = snug.Linear(x, t, b)']},
	'Gemm with a row': {nodes: [node('Gemm', ['x', 'w', 'row'], 'y')], text: ['y = snug.Linear(x, w.T, row.flat)']},
	'a look-up': {nodes: [node('Gather', ['table', 'i'], 'y')], text: ['y = snug.Embedding(i, table)'], more: {inputs: {i: ['int64', ['n']]}}},
	'a look-up with a negative axis': {
		nodes: [node('Gather', ['table', 'i'], 'y', {axis: -2})],
		text: ['y = snug.Embedding(i, table)'],
		more: {inputs: {i: ['int64', ['n']]}},
	},
};

for (const [name, {nodes, text, more}] of Object.entries(linears)) {
	test(`${name} becomes one op`, t => {
		const passed = run(nodes, more);
		t.deepEqual(passed.text, text);
		t.deepEqual(passed.differences, []);
	});
}

const kept: Readonly<Record<string, {readonly nodes: readonly NodeSpec[]; readonly ops: readonly string[]; readonly more?: Partial<ModelSpec>}>> = {
	'a bias for each row': {
		nodes: [node('MatMul', ['x', 'w'], 'm'), node('Add', ['m', 'rows'], 'y')],
		ops: ['snug.Linear', 'Add'],
		more: {inputs: {x: ['float32', [3, 4]]}},
	},
	'a bias that adds an axis': {
		nodes: [node('MatMul', ['x', 'w'], 'm'), node('Add', ['m', 'deep'], 'y')],
		ops: ['snug.Linear', 'Add'],
		more: {initializers: {...initializers, deep: float32([1, 1, 6], initializers['b']!.data as Float32Array)}, outputs: {y: ['float32', [null, null, null]]}},
	},
	'a product that others read without the bias': {
		nodes: [node('MatMul', ['x', 'w'], 'm'), node('Add', ['m', 'b'], 'a'), node('Mul', ['a', 'm'], 'y')],
		ops: ['snug.Linear', 'Add', 'Mul'],
	},
	'a product that is an output': {
		nodes: [node('MatMul', ['x', 'w'], 'm'), node('Add', ['m', 'b'], 'y')],
		ops: ['snug.Linear', 'Add'],
		more: {outputs: {y: ['float32', [null, 6]], m: ['float32', [null, 6]]}},
	},
	'Gemm with a scale': {nodes: [node('Gemm', ['x', 'w', 'b'], 'y', {alpha: 0.5})], ops: ['Gemm']},
	'Gemm with a bias for each row': {nodes: [node('Gemm', ['x', 'w', 'rows'], 'y')], ops: ['Gemm'], more: {inputs: {x: ['float32', [3, 4]]}}},
	'a product of a vector': {nodes: [node('MatMul', ['x', 'w'], 'y')], ops: ['MatMul'], more: {inputs: {x: ['float32', [4]]}, outputs: {y: ['float32', [6]]}}},
	'a constant on the left': {nodes: [node('MatMul', ['t', 'x'], 'y')], ops: ['MatMul'], more: {inputs: {x: ['float32', [4, 5]]}}},
	'a look-up along columns': {
		nodes: [node('Gather', ['table', 'i'], 'y', {axis: 1})],
		ops: ['Gather'],
		more: {inputs: {i: ['int64', ['n']]}, outputs: {y: ['float32', [9, null]]}},
	},
};

for (const [name, {nodes, ops, more}] of Object.entries(kept)) {
	test(`${name} is not taken into a Linear`, t => {
		const passed = run(nodes, more);
		t.deepEqual(passed.ops, ops);
		t.deepEqual(passed.differences, []);
	});
}

test('a matrix that two products use, transposed at compile time, stays one weight', t => {
	const {graph, differences} = run(
		[node('Abs', ['q'], 'folded'), node('MatMul', ['x', 'folded'], 'm'), node('Relu', ['m'], 'r'), node('MatMul', ['r', 'folded'], 'y')],
		{
			initializers: {q: floats([4, 4], 3)},
		},
	);
	t.deepEqual(differences, []);
	t.is(findWeights(graph).length, 1);
	t.is(findWeights(graph)[0]!.uses.length, 2);
});

const sum = [node('Mul', ['p', 'q'], 'y')];

test('siblings are stacked, with their biases', t => {
	const nodes = [node('MatMul', ['x', 'w'], 'm'), node('Add', ['m', 'b'], 'p'), node('MatMul', ['x', 'w2'], 'n'), node('Add', ['n', 'b2'], 'q'), ...sum];
	const {text, differences, graph} = run(nodes);
	t.deepEqual(text, ['p/joined = snug.Linear(x, w.T+w2.T, w.T+w2.T.bias)', 'p, q = Split(p/joined, [6, 6]) {axis=-1}', 'y = Mul(p, q)']);
	t.deepEqual(graph.constants.get('w.T+w2.T')!.dims, [12, 4]);
	t.deepEqual(differences, []);
});

test('siblings may share a bias', t => {
	const {ops, differences} = run([
		node('MatMul', ['x', 'w'], 'm'),
		node('Add', ['m', 'b'], 'p'),
		node('MatMul', ['x', 'w2'], 'n'),
		node('Add', ['n', 'b'], 'q'),
		...sum,
	]);
	t.deepEqual(ops, ['snug.Linear', 'Split', 'Mul']);
	t.deepEqual(differences, []);
});

const apart: Readonly<Record<string, {readonly nodes: readonly NodeSpec[]; readonly more?: Partial<ModelSpec>}>> = {
	'one with a bias and one without': {nodes: [node('MatMul', ['x', 'w'], 'm'), node('Add', ['m', 'b'], 'p'), node('MatMul', ['x', 'w2'], 'q'), ...sum]},
	'one that is an output': {
		nodes: [node('MatMul', ['x', 'w'], 'p'), node('MatMul', ['x', 'w2'], 'q'), ...sum],
		more: {outputs: {y: ['float32', [null, 6]], q: ['float32', [null, 6]]}},
	},
	'one whose weight is also a table': {
		nodes: [
			node('Gemm', ['x', 't'], 'p', {transB: 1}),
			node('Gather', ['t', 'i'], 'e'),
			node('MatMul', ['x', 'w'], 'n'),
			node('ReduceSum', ['e'], 's'),
			node('Add', ['n', 's'], 'q'),
			...sum,
		],
		more: {inputs: {x: ['float32', ['rows', 4]], i: ['int64', ['n']]}},
	},
};

for (const [name, {nodes, more}] of Object.entries(apart)) {
	test(`siblings stay apart: ${name}`, t => {
		const {ops, differences} = run(nodes, more);
		t.is(ops.filter(op => op === 'snug.Linear').length, 2);
		t.false(ops.includes('Split'));
		t.deepEqual(differences, []);
	});
}

const bytes = (dims: readonly number[], seed: number): Tensor => ({
	dtype: 'uint8',
	dims,
	data: Uint8Array.from(floats(dims, seed).data as Float32Array, value => Math.abs(Math.floor(value * 97)) % 256),
});

const quantised = (name: string, bits: number, n: number, more: readonly string[] = []): NodeSpec => ({
	...node('MatMulNBits', ['x', `${name}.codes`, `${name}.scales`, `${name}.zeros`, ...more], name, {K: 32, N: n, bits, block_size: 16}),
	domain: 'com.microsoft',
});

const codes = (name: string, bits: number, n: number, seed: number): Readonly<Record<string, Tensor>> => ({
	[`${name}.codes`]: bytes([n, 2, (16 * bits) / 8], seed),
	[`${name}.scales`]: floats([n * 2], seed + 1, 0.1),
	[`${name}.zeros`]: bytes([n * Math.ceil((2 * bits) / 8)], seed + 2),
});

const coded: Partial<ModelSpec> = {opsets: {'': 21, 'com.microsoft': 1}, inputs: {x: ['float32', ['rows', 32]]}};

test('siblings in codes keep their codes, row by row', t => {
	const {ops, differences, graph} = run([quantised('p', 4, 3), quantised('q', 4, 5), node('Concat', ['p', 'q'], 'y', {axis: 1})], {
		...coded,
		initializers: {...codes('p', 4, 3, 20), ...codes('q', 4, 5, 30)},
	});
	t.deepEqual(ops, ['snug.Linear', 'Split', 'Concat']);
	t.deepEqual(differences, []);
	const weight = graph.constants.get(graph.nodes[0]!.inputs[1]!)!;
	const {bits, group, codes: read, scales, zeros} = weight.quantized!;
	t.is(bits, 4);
	t.is(group, 16);
	const data = weight.read() as Float32Array;
	const decode = (row: number, column: number, code: number): number =>
		Math.fround((code - zeros()[row * 2 + Math.floor(column / 16)]!) * scales()[row * 2 + Math.floor(column / 16)]!);
	// Rows across the seam, and a range within the second part.
	for (const [first, count] of [
		[0, 8],
		[2, 2],
		[4, 3],
	] as const) {
		const range = read(first, count);
		t.deepEqual(
			Array.from(range, (code, at) => decode(first + Math.floor(at / 32), at % 32, code)),
			Array.from(data.subarray(first * 32, (first + count) * 32)),
		);
	}
});

test('siblings in different codes stay apart', t => {
	const {ops, differences, graph} = run([quantised('p', 4, 3), quantised('q', 8, 5), node('Concat', ['p', 'q'], 'y', {axis: 1})], {
		...coded,
		initializers: {...codes('p', 4, 3, 20), ...codes('q', 8, 5, 30)},
	});
	t.deepEqual(ops, ['snug.Linear', 'snug.Linear', 'Concat']);
	t.deepEqual(
		findWeights(graph).map(({constant}) => constant.quantized?.bits),
		[4, 8],
	);
	t.deepEqual(differences, []);
});

test('a bias computed at run time keeps siblings apart', t => {
	const {ops, differences} = run([quantised('p', 4, 3, ['', 'v']), quantised('q', 4, 3, ['', 'v']), node('Concat', ['p', 'q'], 'y', {axis: 1})], {
		...coded,
		inputs: {x: ['float32', ['rows', 32]], v: ['float32', [3]]},
		initializers: {...codes('p', 4, 3, 20), ...codes('q', 4, 3, 30)},
	});
	t.deepEqual(ops, ['snug.Linear', 'snug.Linear', 'Concat']);
	t.deepEqual(differences, []);
});
