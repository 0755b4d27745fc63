/** What import makes of branches and loops. */
import test from 'ava';
import {importModel, type ImportOptions} from '../../compiler/onnx/import.js';
import {inlineBranch} from '../../compiler/graph/branch.js';
import {isGraph} from '../../compiler/graph/captures.js';
import type {Graph} from '../../compiler/graph/graph.js';
import {float32, tensor, type Tensor} from '../../compiler/graph/tensor.js';
import {buildModel, type GraphSpec, type ModelSpec} from '../helpers/build-model.js';
import {knownOps} from '../helpers/known-ops.js';

const ops = knownOps(['Add', 'Mul', 'Neg', 'Relu', 'Identity', 'Reshape']);

const load = (spec: ModelSpec, options: ImportOptions = {}): Graph => importModel({bytes: buildModel(spec)}, {ops, ...options});

const x: ModelSpec['inputs'] = {x: ['float32', [2]]};
const y: ModelSpec['outputs'] = {y: ['float32', [2]]};

const text = ({nodes}: Graph): string[] => nodes.map(({op, inputs, outputs}) => `${outputs.join(', ')} = ${op}(${inputs.join(', ')})`);
const value = (graph: Graph, name: string): Tensor => tensor(graph.constants.get(name)!);

const choice = (condition: Partial<ModelSpec>): ModelSpec => ({
	inputs: x,
	outputs: {y: ['float32', [2]], w: ['float32', [2]], v: ['float32', [2]]},
	...condition,
	nodes: [
		...(condition.nodes ?? []),
		{op: 'Neg', name: 'n', inputs: ['x'], outputs: ['t']},
		{
			op: 'If',
			name: 'choose',
			inputs: ['c'],
			outputs: ['y', 'w', 'v'],
			attributes: {
				// `u` and the node name `n` are taken around the branch; two outputs are a constant and a value from around.
				then_branch: {
					outputs: {a: ['float32', [2]], k: ['float32', [2]], t: ['float32', [2]]},
					initializers: {k: float32([2], [1, 2])},
					nodes: [
						{op: 'Add', name: 'n', inputs: ['t', 'k'], outputs: ['u']},
						{op: 'Relu', inputs: ['u'], outputs: ['a']},
					],
				},
				else_branch: {
					outputs: {u: ['float32', [2]], s: ['float32', [2]], x: ['float32', [2]]},
					nodes: [
						{op: 'Mul', inputs: ['x', 'x'], outputs: ['u']},
						{op: 'Neg', inputs: ['u'], outputs: ['s']},
					],
				},
			},
		},
		{op: 'Neg', inputs: ['y'], outputs: ['u']},
	],
});

test('an If whose condition is a constant becomes its branch', t => {
	const graph = load(choice({nodes: [{op: 'Constant', outputs: ['c'], attributes: {value: {dtype: 'bool', dims: [], data: Uint8Array.of(1)}}}]}));
	t.deepEqual(text(graph), ['t = Neg(x)', 'u_1 = Add(t, k)', 'y = Relu(u_1)', 'v = Identity(t)', 'u = Neg(y)']);
	t.deepEqual(value(graph, 'w'), float32([2], [1, 2]));
	t.is(new Set(graph.nodes.map(({name}) => name)).size, graph.nodes.length);
	const other = load(choice({initializers: {c: {dtype: 'bool', dims: [1], data: Uint8Array.of(0)}}}));
	t.deepEqual(text(other), ['t = Neg(x)', 'y = Mul(x, x)', 'w = Neg(y)', 'v = Identity(x)', 'u = Neg(y)']);
});

test('an If whose condition is known later can be inlined later', t => {
	const graph = load(choice({inputs: {...x, c: ['bool', []]}}));
	const node = graph.nodes.find(({op}) => op === 'If')!;
	t.deepEqual(text(inlineBranch(graph, node, false)), ['t = Neg(x)', 'y = Mul(x, x)', 'w = Neg(y)', 'v = Identity(x)', 'u = Neg(y)']);
});

test('use_cache_branch takes the branch with past positions', t => {
	const graph = load({
		inputs: {...x, use_cache_branch: ['bool', [1]]},
		outputs: y,
		nodes: [
			{
				op: 'If',
				inputs: ['use_cache_branch'],
				outputs: ['y'],
				attributes: {
					then_branch: {outputs: {a: ['float32', [2]]}, nodes: [{op: 'Relu', inputs: ['x'], outputs: ['a']}]},
					else_branch: {outputs: {a: ['float32', [2]]}, nodes: [{op: 'Neg', inputs: ['x'], outputs: ['a']}]},
				},
			},
		],
	});
	t.deepEqual(graph.inputs, ['x']);
	t.deepEqual(text(graph), ['y = Relu(x)']);
});

test('a node that only an inner graph depends on comes first', t => {
	const branch: GraphSpec = {outputs: {a: ['float32', [2]]}, nodes: [{op: 'Neg', inputs: ['late'], outputs: ['a']}]};
	const graph = load({
		inputs: {...x, c: ['bool', []]},
		outputs: y,
		nodes: [
			{op: 'If', inputs: ['c'], outputs: ['y'], attributes: {then_branch: branch, else_branch: branch}},
			{op: 'Relu', inputs: ['x'], outputs: ['late']},
		],
	});
	t.deepEqual(
		graph.nodes.map(({op}) => op),
		['Relu', 'If'],
	);
});

test('loops keep their body as a graph', t => {
	const body: GraphSpec = {
		inputs: {i: ['int64', []], c: ['bool', []], a: ['float32', [2]]},
		outputs: {c: ['bool', []], b: ['float32', [2]]},
		nodes: [{op: 'Add', inputs: ['a', 'x'], outputs: ['b']}],
	};
	const [loop] = load({inputs: {...x, n: ['int64', []]}, outputs: y, nodes: [{op: 'Loop', inputs: ['n', '', 'x'], outputs: ['y'], attributes: {body}}]}).nodes;
	const inner = loop!.attributes['body']!;
	t.true(isGraph(inner));
	t.deepEqual(isGraph(inner) ? inner.inputs : [], ['i', 'c', 'a']);
});
