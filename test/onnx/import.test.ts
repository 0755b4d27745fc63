/** What import makes of models: names, order, constants, functions. Branches and dimensions have files of their own. */
import fs from 'node:fs';
import test from 'ava';
import {importModel, type ImportOptions} from '../../compiler/onnx/import.js';
import {isGraph} from '../../compiler/graph/captures.js';
import {similarNames} from '../../compiler/onnx/known-op.js';
import type {Graph} from '../../compiler/graph/graph.js';
import {float32, int64, tensor, type Tensor} from '../../compiler/graph/tensor.js';
import {decodeModel} from '../../compiler/onnx/schema.js';
import {buildModel, tensorProto, type GraphSpec, type ModelSpec} from '../helpers/build-model.js';
import {knownOps} from '../helpers/known-ops.js';

const ops = knownOps(['Add', 'Mul', 'Neg', 'Relu', 'Identity', 'Reshape', 'com.acme.Twist']);

const load = (spec: ModelSpec, options: ImportOptions = {}): Graph => importModel({bytes: buildModel(spec)}, {ops, ...options});

const x: ModelSpec['inputs'] = {x: ['float32', [2]]};
const y: ModelSpec['outputs'] = {y: ['float32', [2]]};

const text = ({nodes}: Graph): string[] => nodes.map(({op, inputs, outputs}) => `${outputs.join(', ')} = ${op}(${inputs.join(', ')})`);
const value = (graph: Graph, name: string): Tensor => tensor(graph.constants.get(name)!);

test('nodes, inputs, outputs and initializers keep their names', t => {
	const graph = load({inputs: x, outputs: y, initializers: {b: float32([2], [1, 2])}, nodes: [{op: 'Add', name: 'first', inputs: ['x', 'b'], outputs: ['y']}]});
	t.deepEqual(graph.inputs, ['x']);
	t.deepEqual(graph.outputs, ['y']);
	t.like(graph.nodes[0], {op: 'Add', name: 'first', inputs: ['x', 'b'], outputs: ['y'], attributes: {}});
	t.deepEqual(value(graph, 'b'), float32([2], [1, 2]));
	t.deepEqual(
		[...graph.types],
		[
			['x', {dtype: 'float32', shape: [2]}],
			['b', {dtype: 'float32', shape: [2]}],
		],
	);
});

test('nodes without a name, or with one that is taken, get one of their own', t => {
	const graph = load({
		inputs: x,
		outputs: y,
		nodes: [
			{op: 'Neg', inputs: ['x'], outputs: ['a']},
			{op: 'Neg', name: 'n', inputs: ['a'], outputs: ['b']},
			{op: 'Neg', name: 'n', inputs: ['b'], outputs: ['y']},
		],
	});
	t.deepEqual(
		graph.nodes.map(({name}) => name),
		['Neg_a', 'n', 'n_1'],
	);
});

test('nodes out of order are sorted, others keep their order', t => {
	const graph = load({
		inputs: x,
		outputs: y,
		nodes: [
			{op: 'Neg', inputs: ['b'], outputs: ['y']},
			{op: 'Neg', inputs: ['a'], outputs: ['b']},
			{op: 'Neg', inputs: ['x'], outputs: ['a']},
			{op: 'Neg', inputs: ['x'], outputs: ['c']},
		],
	});
	t.deepEqual(
		graph.nodes.map(({outputs}) => outputs[0]),
		['a', 'b', 'y', 'c'],
	);
});

test('an initializer that is listed as an input is a constant', t => {
	const graph = load({
		irVersion: 3,
		inputs: {...x, b: ['float32', [2]]},
		outputs: y,
		initializers: {b: float32([2], [1, 2])},
		nodes: [{op: 'Add', inputs: ['x', 'b'], outputs: ['y']}],
	});
	t.deepEqual(graph.inputs, ['x']);
	t.true(graph.constants.has('b'));
});

test('attributes of every kind arrive', t => {
	const attributes = {
		float: 0.5,
		whole: {float: 2},
		integer: -3,
		string: 'Grüße',
		floats: [0.5, 1],
		ints: [1, -2],
		none: {ints: []},
		strings: ['a', 'b'],
		last: {ints: [2n ** 63n - 1n]},
		tensor: float32([1], [7]),
	};
	const [node] = load({inputs: x, outputs: y, nodes: [{op: 'Relu', inputs: ['x'], outputs: ['y'], attributes}]}).nodes;
	const {tensor: constant, ...rest} = node!.attributes;
	t.deepEqual(rest, {
		float: 0.5,
		whole: 2,
		integer: -3,
		string: 'Grüße',
		floats: [0.5, 1],
		ints: [1, -2],
		none: [],
		strings: ['a', 'b'],
		last: [2 ** 63 - 1024],
	});
	t.true(typeof constant === 'object' && 'read' in constant && constant.read()[0] === 7);
});

test('an attribute without a type has the type of its value', t => {
	const [node] = load({inputs: x, outputs: y, nodes: [{op: 'Relu', inputs: ['x'], outputs: ['y'], attributes: {axis: {proto: {f: 2.5}}}}]}).nodes;
	t.deepEqual(node!.attributes, {axis: 2.5});
});

test('Constant nodes become constants in all their spellings', t => {
	const sparse = {
		values: tensorProto(float32([2], [5, 6]), ''),
		indices: tensorProto(int64([2], [1, 3]), ''),
		dims: [
			{low: 2, high: 0},
			{low: 2, high: 0},
		],
	};
	const cases: Record<string, [NonNullable<ModelSpec['nodes'][number]['attributes']>, Tensor]> = {
		a: [{value: float32([1], [4])}, float32([1], [4])],
		b: [{value_float: 0.5}, float32([], [0.5])],
		c: [{value_floats: {floats: [1, 2]}}, float32([2], [1, 2])],
		d: [{value_int: {proto: {type: 2, i: {low: -1, high: 0x7fff_ffff}}}}, {dtype: 'int64', dims: [], data: BigInt64Array.of(2n ** 63n - 1n)}],
		e: [{value_ints: [3, -4]}, int64([2], [3, -4])],
		f: [{sparse_value: {sparse}}, float32([2, 2], [0, 5, 0, 6])],
	};
	const graph = load({
		inputs: x,
		outputs: y,
		nodes: [
			...Object.entries(cases).map(([name, [attributes]]) => ({op: 'Constant', outputs: [name], attributes})),
			{op: 'Relu', inputs: ['x'], outputs: ['y']},
		],
	});
	t.is(graph.nodes.length, 1);
	for (const [name, [, expected]] of Object.entries(cases)) {
		t.deepEqual(value(graph, name), expected, name);
	}
});

test('a sparse initializer with coordinates becomes dense', t => {
	const sparse = {
		values: tensorProto(float32([2], [5, 6]), 's'),
		indices: tensorProto(int64([2, 2], [0, 1, 1, 0]), ''),
		dims: [
			{low: 2, high: 0},
			{low: 2, high: 0},
		],
	};
	const graph = load({inputs: x, outputs: y, sparseInitializers: [sparse], nodes: [{op: 'Add', inputs: ['x', 's'], outputs: ['y']}]});
	t.deepEqual(value(graph, 's'), float32([2, 2], [0, 5, 6, 0]));
});

test('ops of other domains carry the domain, ai.onnx is the default one', t => {
	const graph = load({
		opsets: {'ai.onnx': 18, 'com.acme': 2},
		inputs: x,
		outputs: y,
		nodes: [
			{op: 'Twist', domain: 'com.acme', inputs: ['x'], outputs: ['a']},
			{op: 'Neg', domain: 'ai.onnx', inputs: ['a'], outputs: ['y']},
		],
	});
	t.deepEqual(
		graph.nodes.map(({op}) => op),
		['com.acme.Twist', 'Neg'],
	);
});

test('old spellings are upgraded, with constants under new names', t => {
	const upgrading = knownOps(['Add'], {
		Squeeze: ({node, opset, addConstant}) =>
			opset < 13 ? {...node, inputs: [...node.inputs, addConstant(int64([1], node.attributes['axes'] as number[]))], attributes: {}} : node,
	});
	const nodes: ModelSpec['nodes'] = [{op: 'Squeeze', name: 's', inputs: ['x'], outputs: ['y'], attributes: {axes: [1]}}];
	const old = load({opsets: {'': 11}, inputs: x, outputs: y, initializers: {'s/constant': float32([], [0])}, nodes}, {ops: upgrading});
	t.deepEqual(text(old), ['y = Squeeze(x, s/constant_1)']);
	t.deepEqual(value(old, 's/constant_1'), int64([1], [1]));
	t.deepEqual(text(load({opsets: {'': 13}, inputs: x, outputs: y, nodes}, {ops: upgrading})), ['y = Squeeze(x)']);
});

test('a function is inlined with its attributes, defaults, nested calls and opset', t => {
	const opsets: number[] = [];
	const seen = knownOps(['Add', 'Mul'], {Scale: ({node, opset}) => (opsets.push(opset), node)});
	const graph = load(
		{
			inputs: x,
			outputs: y,
			opsets: {'': 21, 'my.functions': 1},
			functions: [
				{
					name: 'Outer',
					domain: 'my.functions',
					inputs: ['a', 'b'],
					outputs: ['r'],
					attributes: ['alpha'],
					defaults: {beta: 7},
					opsets: {'': 21, 'my.functions': 1},
					nodes: [
						{
							op: 'Inner',
							domain: 'my.functions',
							inputs: ['a'],
							outputs: ['t'],
							attributes: {gain: {reference: 'alpha', type: 1}, shift: {reference: 'beta', type: 2}},
						},
						{op: 'Add', inputs: ['t', 'b'], outputs: ['r']},
					],
				},
				{
					name: 'Inner',
					domain: 'my.functions',
					inputs: ['a'],
					outputs: ['r'],
					attributes: ['gain', 'shift', 'absent'],
					opsets: {'': 18},
					nodes: [
						{
							op: 'Scale',
							name: 'scale',
							inputs: ['a'],
							outputs: ['r'],
							attributes: {by: {reference: 'gain', type: 1}, plus: {reference: 'shift', type: 2}, other: {reference: 'absent', type: 2}},
						},
					],
				},
			],
			nodes: [
				{op: 'Outer', name: 'one', domain: 'my.functions', inputs: ['x', 'x'], outputs: ['m'], attributes: {alpha: 0.5}},
				{op: 'Outer', name: 'two', domain: 'my.functions', inputs: ['m'], outputs: ['y'], attributes: {alpha: 1.5, beta: 8}},
			],
		},
		{ops: seen},
	);
	t.deepEqual(text(graph), ['one/t = Scale(x)', 'm = Add(one/t, x)', 'two/t = Scale(m)', 'y = Add(two/t, )']);
	t.deepEqual(
		graph.nodes.filter(({op}) => op === 'Scale').map(({attributes}) => attributes),
		[
			{by: 0.5, plus: 7},
			{by: 1.5, plus: 8},
		],
	);
	t.deepEqual(opsets, [18, 18]);
	t.is(new Set(graph.nodes.map(({name}) => name)).size, 4);
});

test('overloads of a function are told apart', t => {
	const body = (name: string, op: string) => ({
		name: 'F',
		domain: 'd',
		overload: name,
		inputs: ['a'],
		outputs: ['r'],
		nodes: [{op, inputs: ['a'], outputs: ['r']}],
	});
	const graph = load({
		inputs: x,
		outputs: y,
		opsets: {'': 21, d: 1},
		functions: [body('one', 'Neg'), body('two', 'Relu')],
		nodes: [{op: 'F', domain: 'd', overload: 'two', inputs: ['x'], outputs: ['y']}],
	});
	t.deepEqual(text(graph), ['y = Relu(x)']);
});

test('a function may hand an input on, and a branch inside it reads its values', t => {
	const branch = (op: string): GraphSpec => ({outputs: {z: ['float32', [2]]}, nodes: [{op, inputs: ['inner'], outputs: ['z']}]});
	const graph = load({
		inputs: {...x, c: ['bool', []]},
		outputs: {y: ['float32', [2]], same: ['float32', [2]]},
		opsets: {'': 21, d: 1},
		functions: [
			{
				name: 'F',
				domain: 'd',
				inputs: ['a', 'if'],
				outputs: ['r', 'a'],
				nodes: [
					{op: 'Neg', inputs: ['a'], outputs: ['inner']},
					{op: 'If', inputs: ['if'], outputs: ['r'], attributes: {then_branch: branch('Relu'), else_branch: branch('Neg')}},
				],
			},
		],
		nodes: [{op: 'F', name: 'f', domain: 'd', inputs: ['x', 'c'], outputs: ['y', 'same']}],
	});
	t.deepEqual(text(graph), ['f/inner = Neg(x)', 'y = If(c)', 'same = Identity(x)']);
	const inner = graph.nodes[1]!.attributes['then_branch']!;
	t.true(isGraph(inner));
	t.deepEqual(isGraph(inner) ? text(inner) : [], ['z = Relu(f/inner)']);
});

test('similar names are close in spelling or differ in the domain', t => {
	const known = ['Gelu', 'Relu', 'com.microsoft.FastGelu', 'MatMul', 'com.microsoft.RotaryEmbedding'];
	t.deepEqual(similarNames('com.microsoft.Gelu', known), ['Gelu', 'Relu']);
	t.deepEqual(similarNames('Matmull', known), ['MatMul']);
	t.deepEqual(similarNames('RotaryEmbedding', known), ['com.microsoft.RotaryEmbedding']);
	t.deepEqual(similarNames('Einsum', known), []);
});

const shared = (name: string): string => `../shared/models/${name}/model.onnx`;

for (const [file, states, nodes] of [
	['test/models/books-3m/model.onnx', 8, 709],
	[shared('books-3m-genai-int4'), 8, 53],
	[shared('books-3m-masa'), 8, 937],
] as const) {
	(fs.existsSync(file) ? test : test.skip)(`${file} is imported, with its states`, t => {
		const names = decodeModel(fs.readFileSync(file)).graph!.node.map(({domain, opType}) => (domain ? `${domain}.${opType}` : opType));
		const graph = importModel(file, {ops: knownOps(names)});
		t.is(graph.nodes.length, nodes);
		t.is(graph.states.length, states);
		t.deepEqual(graph.states[1], {input: 'past_key_values.0.value', output: 'present.0.value', axis: 2});
		for (const {dims, read} of graph.constants.values()) {
			t.is(
				read().length,
				dims.reduce((a, b) => a * b, 1),
			);
		}
	});
}
