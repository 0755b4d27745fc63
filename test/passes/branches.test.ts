/** Constant folding resolves an `If` whose condition follows from constants or shapes. */
import test from 'ava';
import type {Tensor} from '../../compiler/graph/tensor.js';
import {float32, int64} from '../../compiler/graph/tensor.js';
import {importModel} from '../../compiler/onnx/import.js';
import {foldConstants} from '../../compiler/passes/fold-constants.js';
import {passes} from '../../compiler/passes/index.js';
import {optimize} from '../../compiler/passes/optimize.js';
import {shareCommon} from '../../compiler/passes/share-common.js';
import {simplify} from '../../compiler/passes/simplify.js';
import {runReference} from '../../compiler/reference/run.js';
import {buildModel, type GraphSpec, type ModelSpec} from '../helpers/build-model.js';
import {difference} from '../helpers/compare.js';
import {floats, lines, node} from '../helpers/run-passes.js';

process.env['ORT_DISABLE_TELEMETRY'] = '1';
const ort = await import('onnxruntime-node');

/** The model's first output in ONNX Runtime. */
async function oracle(spec: ModelSpec, feeds: Readonly<Record<string, Tensor>>): Promise<Tensor> {
	const session = await ort.InferenceSession.create(buildModel(spec), {logSeverityLevel: 4});
	const results = await session.run(
		Object.fromEntries(Object.entries(feeds).map(([name, {dtype, data, dims}]) => [name, new ort.Tensor(dtype as 'float32', data as Float32Array, dims)])),
	);
	const {data, dims} = results[Object.keys(spec.outputs!)[0]!]!;
	await session.release();
	return {dtype: 'float32', dims, data: data as Float32Array};
}

const branch = (output: string, nodes: GraphSpec['nodes'], initializers: GraphSpec['initializers'] = {}): GraphSpec => ({
	outputs: {[output]: ['float32', [null, null]]},
	initializers,
	nodes,
});

const byLength: ModelSpec = {
	inputs: {x: ['float32', ['rows', 4]]},
	outputs: {y: ['float32', [null, null]]},
	initializers: {one: int64([], [1]), four: int64([], [4])},
	nodes: [
		node('Shape', ['x'], 'shape'),
		node('Gather', ['shape', 'one'], 'width'),
		node('Equal', ['width', 'four'], 'fits'),
		node('Exp', ['x'], 'outside'),
		node('If', ['fits'], 'r', {
			then_branch: branch('a', [node('Mul', ['outside', 'w'], 'a')], {w: float32([4], [1, 2, 3, 4])}),
			else_branch: branch('b', [node('Neg', ['x'], 'b')]),
		}),
		node('Relu', ['r'], 'y'),
	],
};

test('a condition that follows from a shape chooses the branch', async t => {
	const {graph} = optimize(importModel({bytes: buildModel(byLength)}), [foldConstants]);
	t.deepEqual(lines(graph), ['outside = Exp(x)', 'r = Mul(outside, w)', 'y = Relu(r)']);
	const feeds = {x: floats([3, 4])};
	t.is(difference(runReference(graph, new Map(Object.entries(feeds))).get('y'), await oracle(byLength, feeds)), undefined);
});

test('the branch that is not taken may differ in type, or use ops that do not exist', t => {
	const spec: ModelSpec = {
		...byLength,
		nodes: byLength.nodes.map(each =>
			each.op === 'If' ? {...each, attributes: {...each.attributes, else_branch: branch('b', [node('Shape', ['x'], 'b')])}} : each,
		),
	};
	t.deepEqual(lines(optimize(importModel({bytes: buildModel(spec)}), [foldConstants]).graph), ['outside = Exp(x)', 'r = Mul(outside, w)', 'y = Relu(r)']);
});

test('a condition computed from constants chooses the branch', t => {
	const spec: ModelSpec = {
		inputs: {x: ['float32', [2, 2]]},
		outputs: {y: ['float32', [2, 2]]},
		initializers: {half: float32([], [0.5]), zero: float32([], [0])},
		nodes: [
			node('Exp', ['half'], 'e'),
			node('Less', ['e', 'zero'], 'c'),
			node('If', ['c'], 'y', {then_branch: branch('a', [node('Relu', ['x'], 'a')]), else_branch: branch('b', [node('Neg', ['x'], 'b')])}),
		],
	};
	t.deepEqual(lines(optimize(importModel({bytes: buildModel(spec)}), [foldConstants]).graph), ['y = Neg(x)']);
});

test('branches inside branches are resolved when they come to light', t => {
	const inner = node('If', ['again'], 'i', {then_branch: branch('p', [node('Neg', ['h'], 'p')]), else_branch: branch('q', [node('Exp', ['h'], 'q')])});
	const spec: ModelSpec = {
		...byLength,
		nodes: byLength.nodes.map(each =>
			each.op === 'If'
				? {
						...each,
						attributes: {
							...each.attributes,
							then_branch: branch('i', [
								node('Abs', ['outside'], 'h'),
								node('Shape', ['h'], 's'),
								node('Gather', ['s', 'one'], 'w'),
								node('Equal', ['w', 'one'], 'again'),
								inner,
							]),
						},
					}
				: each,
		),
	};
	t.deepEqual(lines(optimize(importModel({bytes: buildModel(spec)}), [foldConstants]).graph), [
		'outside = Exp(x)',
		'h = Abs(outside)',
		'r = Exp(h)',
		'y = Relu(r)',
	]);
});

const byData: ModelSpec = {
	inputs: {x: ['float32', [2, 4]], c: ['bool', []]},
	outputs: {y: ['float32', [2, 4]], z: ['float32', [2, 4]]},
	initializers: {k: float32([4], [1, 2, 3, 4]), one: float32([], [1])},
	nodes: [
		node('Identity', ['x'], 'same'),
		node('Exp', ['x'], 'first'),
		node('Exp', ['x'], 'second'),
		node('Cast', ['second'], 'cast', {to: 1}),
		node('If', ['c'], 'y', {then_branch: branch('a', [node('Mul', ['same', 'k'], 'a')]), else_branch: branch('b', [node('Neg', ['cast'], 'b')])}),
		node('Abs', ['first'], 'z'),
	],
};

test('what only an inner graph reads stays, under its new name', t => {
	const {graph} = optimize(importModel({bytes: buildModel(byData)}), [foldConstants, simplify, shareCommon]);
	t.deepEqual(lines(graph), ['first = Exp(x)', 'y = If(c) {then_branch=graph of 1 nodes, else_branch=graph of 1 nodes}', 'z = Abs(first)']);
	t.true(graph.constants.has('k'));
	const [yes, no] = ['then_branch', 'else_branch'].map(name => graph.nodes[1]!.attributes[name]) as [typeof graph, typeof graph];
	t.deepEqual(lines(yes), ['a = Mul(x, k)']);
	t.deepEqual(lines(no), ['b = Neg(first)']);
});

test('a condition from data is refused where it would have to run', t => {
	const {graph} = optimize(importModel({bytes: buildModel(byData)}), passes);
	t.throws(() => runReference(graph, new Map(Object.entries({x: floats([2, 4]), c: {dtype: 'bool' as const, dims: [], data: Uint8Array.of(1)}}))), {
		code: 'data-dependent-branch',
		message: /If 'If_y'.*only at run time/s,
	});
	const differing: ModelSpec = {
		...byData,
		nodes: byData.nodes.map(each =>
			each.op === 'If' ? {...each, attributes: {...each.attributes, else_branch: branch('b', [node('Shape', ['x'], 'b')])}} : each,
		),
	};
	t.throws(() => optimize(importModel({bytes: buildModel(differing)}), []), {
		code: 'data-dependent-branch',
		message: /differ in the type of output 0.*float32 \[2, 4\].*int64 \[2\]/s,
	});
});

/** One layer of a merged decoder: with and without past keys, chosen by an input that import fixes. */
const merged: ModelSpec = {
	inputs: {inputs_embeds: ['float32', [1, 'sequence', 4]], 'past_key_values.0.key': ['float32', [1, 2, 'past', 2]], use_cache_branch: ['bool', [1]]},
	outputs: {y: ['float32', [1, 'sequence', 4]], 'present.0.key': ['float32', [1, 2, 'total', 2]]},
	initializers: {w: floats([4, 4]), heads: int64([4], [0, -1, 2, 2])},
	nodes: [
		node('If', ['use_cache_branch'], ['k', 'present.0.key'], {
			then_branch: {
				outputs: {k: ['float32', [null, null, null]], p: ['float32', [null, null, null, null]]},
				nodes: [
					node('MatMul', ['inputs_embeds', 'w'], 'k'),
					node('Reshape', ['k', 'heads'], 's'),
					node('Transpose', ['s'], 't', {perm: [0, 2, 1, 3]}),
					node('Concat', ['past_key_values.0.key', 't'], 'p', {axis: 2}),
				],
			},
			else_branch: {
				outputs: {k2: ['float32', [null, null, null]], p2: ['float32', [null, null, null, null]]},
				nodes: [node('MatMul', ['inputs_embeds', 'w'], 'k2'), node('Reshape', ['k2', 'heads'], 's2'), node('Transpose', ['s2'], 'p2', {perm: [0, 2, 1, 3]})],
			},
		}),
		node('Add', ['k', 'inputs_embeds'], 'y'),
	],
};

test('a merged decoder keeps the branch with past positions', async t => {
	const {graph} = optimize(importModel({bytes: buildModel(merged)}));
	t.deepEqual(graph.inputs, ['inputs_embeds', 'past_key_values.0.key']);
	t.deepEqual(
		graph.nodes.map(({op}) => op),
		['snug.Linear', 'Reshape', 'Transpose', 'Concat', 'Add'],
	);
	const feeds = {inputs_embeds: floats([1, 3, 4], 2), 'past_key_values.0.key': floats([1, 2, 5, 2], 3)};
	const results = runReference(graph, new Map(Object.entries(feeds)));
	const expected = await oracle(merged, {...feeds, use_cache_branch: {dtype: 'bool', dims: [1], data: Uint8Array.of(1)}});
	t.is(difference(results.get('y'), expected), undefined);
	t.deepEqual(results.get('present.0.key')!.dims, [1, 2, 8, 2]);
});
