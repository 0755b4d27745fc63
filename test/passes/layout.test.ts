/** Passes that tidy: what changes nothing goes, equal nodes are computed once, neighbours of one kind become one, constants are folded. */
import test from 'ava';
import type {ModelSpec, NodeSpec} from '../helpers/build-model.js';
import {float32, int64, tensor, type Constant} from '../../compiler/graph/tensor.js';
import type {Graph} from '../../compiler/graph/graph.js';
import {foldConstants} from '../../compiler/passes/fold-constants.js';
import {mergeLayout} from '../../compiler/passes/merge-layout.js';
import {optimize} from '../../compiler/passes/optimize.js';
import type {Pass} from '../../compiler/passes/pass.js';
import {shareCommon} from '../../compiler/passes/share-common.js';
import {simplify} from '../../compiler/passes/simplify.js';
import {floats, lines, node, pass, passGraph, type PassOptions, type Passed} from '../helpers/run-passes.js';

const integers = (...values: readonly number[]): ReturnType<typeof int64> => int64([values.length], values);

const initializers: NonNullable<ModelSpec['initializers']> = {
	zero: integers(0),
	one: integers(1),
	two: integers(2),
	minus: integers(-1),
	large: int64([1], [Number.MAX_SAFE_INTEGER]),
	low: int64([1], [-Number.MAX_SAFE_INTEGER]),
	ones: integers(1, 1),
	same: integers(0, 4),
	three: integers(3, 4),
	noPads: integers(0, 0, 0, 0),
	mixedPads: integers(0, 1, 0, -1),
	flat: integers(-1),
	deep: integers(-1, 2, 2),
};

const run = (passes: readonly Pass[], nodes: readonly NodeSpec[], {more = {}, ...options}: PassOptions & {readonly more?: Partial<ModelSpec>} = {}): Passed =>
	pass({inputs: {x: ['float32', ['rows', 4]]}, outputs: {y: ['float32', [null, null]]}, initializers, nodes, ...more}, passes, options);

const nothing: Readonly<Record<string, NodeSpec>> = {
	Identity: node('Identity', ['x'], 'a'),
	Dropout: node('Dropout', ['x'], 'a'),
	'Cast to the same type': node('Cast', ['x'], 'a', {to: 1}),
	'Reshape to the same shape': node('Reshape', ['x', 'same'], 'a'),
	'Transpose without a turn': node('Transpose', ['x'], 'a', {perm: [0, 1]}),
	'Expand by nothing': node('Expand', ['x', 'ones'], 'a'),
	'Slice of everything': node('Slice', ['x', 'zero', 'large', 'one', 'one'], 'a'),
	'Slice without steps': node('Slice', ['x', 'zero', 'large', 'one'], 'a'),
	'Tile once': node('Tile', ['x', 'ones'], 'a'),
	'Pad with nothing': node('Pad', ['x', 'noPads'], 'a'),
};

for (const [name, each] of Object.entries(nothing)) {
	test(`${name} is removed`, t => {
		const {text, differences} = run([simplify], [each, node('Relu', ['a'], 'y')]);
		t.deepEqual(text, ['y = Relu(x)']);
		t.deepEqual(differences, []);
	});

	test(`${name} stays where it makes an output`, t => {
		const {ops, differences} = run([simplify], [{...each, outputs: ['y']}]);
		t.deepEqual(ops, [each.op]);
		t.deepEqual(differences, []);
	});
}

const something: Readonly<Record<string, NodeSpec>> = {
	'Slice backwards': node('Slice', ['x', 'minus', 'low', 'one', 'minus'], 'a'),
	'Pad in front, cut behind': node('Pad', ['x', 'mixedPads'], 'a'),
	'Transpose of a square': node('Transpose', ['x'], 'a', {perm: [1, 0]}),
	'Cast to another type': node('Cast', ['x'], 'a', {to: 11}),
};

for (const [name, each] of Object.entries(something)) {
	test(`${name} keeps the shape, and stays`, t => {
		const to = each.op === 'Cast' ? [each, node('Cast', ['a'], 'b', {to: 1}), node('Relu', ['b'], 'y')] : [each, node('Relu', ['a'], 'y')];
		const {ops, differences} = run([simplify], to, {more: {inputs: {x: ['float32', [4, 4]]}}});
		t.is(ops[0], each.op);
		t.deepEqual(differences, []);
	});
}

test('a mask of Dropout that is read keeps it', t => {
	const {ops, differences} = run([simplify], [node('Dropout', ['x'], ['a', 'm']), node('Cast', ['m'], 'c', {to: 1}), node('Mul', ['a', 'c'], 'y')]);
	t.deepEqual(ops, ['Dropout', 'Cast', 'Mul']);
	t.deepEqual(differences, []);
});

test('chains of nodes that change nothing vanish together', t => {
	const {text, differences} = run(
		[simplify],
		[node('Identity', ['x'], 'a'), node('Cast', ['a'], 'b', {to: 1}), node('Tile', ['b', 'ones'], 'c'), node('Add', ['c', 'a'], 'y')],
	);
	t.deepEqual(text, ['y = Add(x, x)']);
	t.deepEqual(differences, []);
});

test('equal nodes are computed once, and what reads them then too', t => {
	const {text, differences} = run(
		[shareCommon],
		[node('Exp', ['x'], 'a'), node('Exp', ['x'], 'b'), node('Neg', ['a'], 'c'), node('Neg', ['b'], 'd'), node('Mul', ['c', 'd'], 'y')],
	);
	t.deepEqual(text, ['a = Exp(x)', 'c = Neg(a)', 'y = Mul(c, c)']);
	t.deepEqual(differences, []);
});

test('equal nodes that are outputs both stay', t => {
	const {ops, differences} = run([shareCommon], [node('Exp', ['x'], 'y'), node('Exp', ['x'], 'z')], {
		more: {outputs: {y: ['float32', [null, 4]], z: ['float32', [null, 4]]}},
	});
	t.deepEqual(ops, ['Exp', 'Exp']);
	t.deepEqual(differences, []);
});

const different: Readonly<Record<string, readonly NodeSpec[]>> = {
	'an attribute': [node('LeakyRelu', ['x'], 'a', {alpha: 0.5}), node('LeakyRelu', ['x'], 'b', {alpha: 0.25})],
	'an infinite attribute': [
		node('Selu', ['x'], 'a', {alpha: 1.5, gamma: {float: Infinity}}),
		node('Selu', ['x'], 'b', {alpha: 1.5, gamma: {float: -Infinity}}),
	],
	'the sign of zero': [node('LeakyRelu', ['x'], 'a', {alpha: {float: 0}}), node('LeakyRelu', ['x'], 'b', {alpha: {float: -0}})],
	'the order of inputs': [node('Sub', ['x', 'k'], 'a'), node('Sub', ['k', 'x'], 'b')],
	'a tensor as attribute': [
		node('ConstantOfShape', ['two'], 'a', {value: float32([1], [1])}),
		node('ConstantOfShape', ['two'], 'b', {value: float32([1], [2])}),
	],
};

for (const [name, nodes] of Object.entries(different)) {
	test(`nodes that differ in ${name} are not shared`, t => {
		const more = {initializers: {...initializers, k: floats([4], 2)}};
		const {ops} = run([shareCommon], [...nodes, node('Concat', ['a', 'b'], 'y', {axis: 0})], {more: {...more, outputs: {y: ['float32', [null, null]]}}});
		t.is(ops.filter(op => op === nodes[0]!.op).length, 2);
	});
}

test('reshapes of reshapes become one, or none', t => {
	const {text, differences} = run(
		[mergeLayout, simplify],
		[
			node('Reshape', ['x', 'flat'], 'a'),
			node('Reshape', ['a', 'deep'], 'b'),
			node('Relu', ['b'], 'c'),
			node('Flatten', ['c'], 'd'),
			node('Reshape', ['d', 'deep'], 'e'),
			node('Neg', ['e'], 'f'),
			node('Reshape', ['f', 'three'], 'y'),
		],
		{bindings: {rows: 3}, more: {inputs: {x: ['float32', [3, 4]]}}},
	);
	t.deepEqual(text, ['b = Reshape(x, [3, 2, 2]) {allowzero=1}', 'c = Relu(b)', 'f = Neg(c)', 'y = Reshape(f, three)']);
	t.deepEqual(differences, []);
});

test('transposes of transposes become one, or none', t => {
	const more = {inputs: {x: ['float32', [2, 3, 4]] as const}, outputs: {y: ['float32', [null, null, null]] as const}};
	const once = run(
		[mergeLayout, simplify],
		[node('Transpose', ['x'], 'a', {perm: [2, 0, 1]}), node('Transpose', ['a'], 'b', {perm: [0, 2, 1]}), node('Relu', ['b'], 'y')],
		{more},
	);
	t.deepEqual(once.text, ['b = Transpose(x) {perm=[2, 1, 0]}', 'y = Relu(b)']);
	t.deepEqual(once.differences, []);
	const none = run(
		[mergeLayout, simplify],
		[node('Transpose', ['x'], 'a', {perm: [2, 0, 1]}), node('Transpose', ['a'], 'b', {perm: [1, 2, 0]}), node('Relu', ['b'], 'y')],
		{more},
	);
	t.deepEqual(none.text, ['y = Relu(x)']);
	t.deepEqual(none.differences, []);
});

test('an inner reshape that others read stays', t => {
	const {ops, differences} = run(
		[mergeLayout],
		[node('Reshape', ['x', 'flat'], 'a'), node('Reshape', ['a', 'deep'], 'b'), node('ReduceSum', ['a'], 's'), node('Mul', ['b', 's'], 'y')],
		{
			more: {outputs: {y: ['float32', [null, null, null]]}},
		},
	);
	t.deepEqual(ops, ['Reshape', 'Reshape', 'ReduceSum', 'Mul']);
	t.deepEqual(differences, []);
});

test('shape arithmetic becomes known values, symbols included', t => {
	const {text, differences, graph} = run(
		[foldConstants],
		[
			node('Shape', ['x'], 's'),
			node('Gather', ['s', 'zero'], 'n'),
			node('Mul', ['n', 'two'], 'm'),
			node('Concat', ['m', 'two'], 'to', {axis: 0}),
			node('Reshape', ['x', 'to'], 'y'),
		],
	);
	t.deepEqual(text, ['y = Reshape(x, [2*rows, 2])']);
	t.is(graph.constants.size, 0);
	t.deepEqual(differences, []);
});

test('nodes of constants are computed, and known integers that floats need with them', t => {
	const {text, differences, graph} = run(
		[foldConstants],
		[node('Shape', ['x'], 's'), node('Gather', ['s', 'one'], 'n'), node('Cast', ['n'], 'f', {to: 1}), node('Sqrt', ['f'], 'r'), node('Div', ['x', 'r'], 'y')],
	);
	t.deepEqual(text, ['y = Div(x, r)']);
	t.deepEqual(Array.from(tensor(graph.constants.get('r')!).data as Float32Array), [2]);
	t.deepEqual(differences, []);
});

test('a large constant is computed when it is read, a transposed one reads its source', t => {
	const data = Float32Array.from({length: 600 * 500}, (_, index) => index % 7);
	let reads = 0;
	const large: Constant = {dtype: 'float32', dims: [500, 600], read: () => (reads++, data)};
	const graph: Graph = {
		name: 'large',
		symbols: {},
		inputs: ['x'],
		outputs: ['y'],
		nodes: [
			{op: 'Neg', name: 'n', inputs: ['k'], outputs: ['w'], attributes: {}},
			{op: 'Transpose', name: 't', inputs: ['w'], outputs: ['v'], attributes: {perm: [1, 0]}},
			{op: 'MatMul', name: 'm', inputs: ['x', 'v'], outputs: ['y'], attributes: {}},
		],
		types: new Map([
			['x', {dtype: 'float32', shape: [1, 600]}],
			['k', {dtype: 'float32', shape: [500, 600]}],
		]),
		constants: new Map([['k', large]]),
		values: new Map(),
		states: [],
	};
	const folded = optimize(graph, [foldConstants]).graph;
	t.is(reads, 0);
	t.deepEqual(lines(folded), ['y = MatMul(x, v)']);
	t.deepEqual(folded.constants.get('v')!.dims, [600, 500]);
	const passed = passGraph(graph, [foldConstants]);
	t.deepEqual(passed.differences, []);
	t.true(reads > 0);
});

test('integers that no double holds are passed on as they are', t => {
	const odd = {dtype: 'int64' as const, dims: [2], data: BigInt64Array.of(2n ** 60n + 1n, -5n)};
	const {graph, differences} = run([foldConstants], [node('Identity', ['odd'], 'a'), node('Add', ['a', 'i'], 'y')], {
		more: {inputs: {i: ['int64', [2]]}, outputs: {y: ['int64', [2]]}, initializers: {odd}},
	});
	t.deepEqual(tensor(graph.constants.get('a')!), odd);
	t.deepEqual(differences, []);
});
