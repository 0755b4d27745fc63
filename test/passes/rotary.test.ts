/** Rotary position embedding in the forms that exporters write. */
import test from 'ava';
import type {ModelSpec, NodeSpec} from '../helpers/build-model.js';
import {foldConstants} from '../../compiler/passes/fold-constants.js';
import {fuseLinear} from '../../compiler/passes/fuse-linear.js';
import {fuseRotary} from '../../compiler/passes/fuse-rotary.js';
import {shareCommon} from '../../compiler/passes/share-common.js';
import {simplify} from '../../compiler/passes/simplify.js';
import {float32, int64, type Tensor} from '../../compiler/graph/tensor.js';
import {floats, node, pass, scalar, type PassOptions, type Passed} from '../helpers/run-passes.js';

const WIDTH = 8;
const HALF = WIDTH / 2;

/** A table of `rows` rows whose halves are equal, or, with `equal` false, not. */
function table(rows: number, seed: number, equal = true): Tensor {
	const half = floats([rows, HALF], seed).data as Float32Array;
	const other = equal ? half : (floats([rows, HALF], seed + 1).data as Float32Array);
	return float32(
		[rows, WIDTH],
		Array.from({length: rows}, (_, row) => [...half.subarray(row * HALF, (row + 1) * HALF), ...other.subarray(row * HALF, (row + 1) * HALF)]).flat(),
	);
}

const initializers: Readonly<Record<string, Tensor>> = {
	zero: int64([1], [0]),
	one: int64([1], [1]),
	half: int64([1], [HALF]),
	end: int64([1], [Number.MAX_SAFE_INTEGER]),
	last: int64([1], [-1]),
	third: int64([1], [3]),
	axis: int64([1], [1]),
	length: int64([1], [5]),
	halves: int64([2], [HALF, HALF]),
	parts: int64([2], [3, 5]),
	frequencies: float32([1, HALF, 1], [1, 0.5, 0.25, 0.125]),
	more: scalar(1.5),
	cosine: table(16, 5),
	sine: table(16, 7),
	crooked: table(16, 9, false),
};

const run = (nodes: readonly NodeSpec[], more: Partial<ModelSpec> = {}, options: PassOptions = {}): Passed =>
	pass(
		{
			inputs: {x: ['float32', ['batch', 3, 'sequence', WIDTH]], position_ids: ['int64', ['batch', 'sequence']]},
			outputs: {y: ['float32', [null, 3, null, WIDTH]]},
			initializers,
			nodes,
			...more,
		},
		[foldConstants, simplify, shareCommon, fuseLinear, fuseRotary],
		{dims: {batch: '*'}, bindings: {batch: 2, sequence: 5}, ...options},
	);

/** Angles computed from the positions, as TorchScript writes them. */
const angles = [
	node('Unsqueeze', ['position_ids', 'axis'], 'p1'),
	node('Cast', ['p1'], 'p', {to: 1}),
	node('MatMul', ['frequencies', 'p'], 'f'),
	node('Transpose', ['f'], 'ft', {perm: [0, 2, 1]}),
	node('Concat', ['ft', 'ft'], 'emb', {axis: -1}),
];
const computed = [
	...angles,
	node('Cos', ['emb'], 'c1'),
	node('Mul', ['c1', 'more'], 'c2'),
	node('Unsqueeze', ['c2', 'axis'], 'cos'),
	node('Sin', ['emb'], 's1'),
	node('Mul', ['more', 's1'], 's2'),
	node('Unsqueeze', ['s2', 'axis'], 'sin'),
];

const looked = (cosine = 'cosine', sine = 'sine'): NodeSpec[] => [
	node('Gather', [cosine, 'position_ids'], 'c1'),
	node('Unsqueeze', ['c1', 'axis'], 'cos'),
	node('Gather', [sine, 'position_ids'], 's1'),
	node('Unsqueeze', ['s1', 'axis'], 'sin'),
];

const slices = [node('Slice', ['x', 'zero', 'half', 'last'], 'l'), node('Slice', ['x', 'half', 'end', 'third', 'one'], 'r')];
const split = [node('Split', ['x', 'halves'], ['l', 'r'], {axis: -1})];
const turned = [node('Neg', ['r'], 'n'), node('Concat', ['n', 'l'], 't', {axis: -1})];
const sum = [node('Mul', ['x', 'cos'], 'a'), node('Mul', ['t', 'sin'], 'b'), node('Add', ['a', 'b'], 'y')];
const mirrored = [node('Mul', ['sin', 't'], 'b'), node('Mul', ['cos', 'x'], 'a'), node('Add', ['b', 'a'], 'y')];

const forms: Readonly<Record<string, readonly NodeSpec[]>> = {
	'slices, angles from positions': [...computed, ...slices, ...turned, ...sum],
	'slices, operands the other way round': [...computed, ...slices, ...turned, ...mirrored],
	'Split, angles from positions': [...computed, ...split, ...turned, ...sum],
	'rows of constant tables': [...looked(), ...slices, ...turned, ...sum],
	'rows of constant tables, cut to the longest sequence first': [
		node('Slice', ['cosine', 'zero', 'length', 'zero'], 'short'),
		node('Slice', ['sine', 'zero', 'length', 'zero'], 'low'),
		...looked('short', 'low'),
		...split,
		...turned,
		...sum,
	],
	'cosines joined after they are computed': [
		...angles.slice(0, 4),
		node('Cos', ['ft'], 'ch'),
		node('Concat', ['ch', 'ch'], 'c', {axis: 2}),
		node('Unsqueeze', ['c', 'axis'], 'cos'),
		node('Sin', ['ft'], 'sh'),
		node('Concat', ['sh', 'sh'], 's', {axis: 2}),
		node('Unsqueeze', ['s', 'axis'], 'sin'),
		...split,
		...turned,
		...sum,
	],
};

const feeds = {position_ids: int64([2, 5], [0, 1, 2, 3, 4, 4, 2, 0, 1, 3])};

for (const [name, nodes] of Object.entries(forms)) {
	test(`rotary becomes one op: ${name}`, t => {
		const {ops, differences, graph} = run(nodes, {}, {feeds});
		t.is(ops.filter(op => op === 'snug.Rotary').length, 1);
		for (const gone of ['Neg', 'Slice', 'Split', 'Concat', 'snug.Embedding']) {
			t.false(ops.includes(gone), gone);
		}

		const rotary = graph.nodes.find(({op}) => op === 'snug.Rotary')!;
		t.deepEqual(graph.types.get(rotary.inputs[1]!)!.shape.at(-1), HALF);
		t.deepEqual(differences, []);
	});
}

test('tables that a batch shares are not repeated', t => {
	const {text, differences} = run([...slices, ...turned, node('Mul', ['x', 'c'], 'a'), node('Mul', ['t', 's'], 'b'), node('Add', ['a', 'b'], 'y')], {
		inputs: {x: ['float32', ['batch', 3, 16, WIDTH]]},
		initializers: {...initializers, c: {...initializers['cosine']!, dims: [1, 1, 16, WIDTH]}, s: initializers['sine']!},
	});
	t.deepEqual(text, [
		'Add_y/Reshape:0 = Reshape(c.half, [1, 16, 4]) {allowzero=1}',
		'Add_y/Reshape.1:0 = Reshape(s.half, [1, 16, 4]) {allowzero=1}',
		'Add_y/Transpose:0 = Transpose(x) {perm=[0, 2, 1, 3]}',
		'Add_y/Reshape.2:0 = Reshape(Add_y/Transpose:0, [batch, 16, 24]) {allowzero=1}',
		'Add_y/Rotary:0 = snug.Rotary(Add_y/Reshape.2:0, Add_y/Reshape:0, Add_y/Reshape.1:0) {heads=3, interleaved=0}',
		'Add_y/Reshape.3:0 = Reshape(Add_y/Rotary:0, [batch, 16, 3, 8]) {allowzero=1}',
		'y = Transpose(Add_y/Reshape.3:0) {perm=[0, 2, 1, 3]}',
	]);
	t.deepEqual(differences, []);
});

test('a rotated half that others read too stays', t => {
	const {ops, differences} = run(
		[...computed, ...slices, ...turned, ...sum, node('Relu', ['t'], 'z')],
		{outputs: {y: ['float32', [null, 3, null, WIDTH]], z: ['float32', [null, 3, null, WIDTH]]}},
		{feeds},
	);
	t.true(ops.includes('snug.Rotary') && ops.includes('Concat'));
	t.deepEqual(differences, []);
});

const refused: Readonly<Record<string, {readonly nodes: readonly NodeSpec[]; readonly more?: Partial<ModelSpec>}>> = {
	'a cosine table with unequal halves': {nodes: [...looked('crooked', 'sine'), ...slices, ...turned, ...sum]},
	'a sine table with unequal halves': {nodes: [...looked('cosine', 'crooked'), ...slices, ...turned, ...sum]},
	'the left half negated': {nodes: [...computed, ...slices, node('Neg', ['l'], 'n'), node('Concat', ['r', 'n'], 't', {axis: -1}), ...sum]},
	'halves in their old order': {nodes: [...computed, ...slices, node('Neg', ['l'], 'n'), node('Concat', ['n', 'r'], 't', {axis: -1}), ...sum]},
	'parts that are no halves': {nodes: [...computed, node('Split', ['x', 'parts'], ['l', 'r'], {axis: -1}), ...turned, ...sum]},
	'halves of another value': {nodes: [...computed, node('Exp', ['x'], 'e'), node('Split', ['e', 'halves'], ['l', 'r'], {axis: -1}), ...turned, ...sum]},
	'a table for each head': {
		nodes: [...slices, ...turned, node('Mul', ['x', 'cos'], 'a'), node('Mul', ['t', 'sin'], 'b'), node('Add', ['a', 'b'], 'y')],
		more: {inputs: {x: ['float32', ['batch', 3, 'sequence', WIDTH]], cos: ['float32', [3, 'sequence', WIDTH]], sin: ['float32', [3, 'sequence', WIDTH]]}},
	},
	'tables of a larger batch': {
		nodes: [node('Concat', ['cr', 'cr'], 'cos', {axis: -1}), node('Concat', ['sr', 'sr'], 'sin', {axis: -1}), ...slices, ...turned, ...sum],
		more: {inputs: {x: ['float32', [1, 3, 'sequence', WIDTH]], cr: ['float32', [2, 1, 'sequence', HALF]], sr: ['float32', [2, 1, 'sequence', HALF]]}},
	},
	'tables of different batches': {
		nodes: [node('Concat', ['cr', 'cr'], 'cos', {axis: -1}), node('Concat', ['sr', 'sr'], 'sin', {axis: -1}), ...slices, ...turned, ...sum],
		more: {inputs: {x: ['float32', [2, 3, 'sequence', WIDTH]], cr: ['float32', [1, 1, 'sequence', HALF]], sr: ['float32', [2, 1, 'sequence', HALF]]}},
	},
	'a row that lies in both halves by chance of shape': {
		nodes: [
			...slices,
			...turned,
			node('Gather', ['vector', 'pick'], 'c'),
			node('Mul', ['x', 'c'], 'a'),
			node('Mul', ['t', 'c'], 'b'),
			node('Add', ['a', 'b'], 'y'),
		],
		more: {
			inputs: {x: ['float32', [2, 3, 5, WIDTH]], pick: ['int64', [5, WIDTH]]},
			initializers: {...initializers, vector: float32([16], [1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8])},
		},
	},
};

for (const [name, {nodes, more}] of Object.entries(refused)) {
	test(`no rotary: ${name}`, t => {
		const {ops, differences} = run(nodes, more, more ? {dims: {}} : {feeds});
		t.false(ops.includes('snug.Rotary'));
		t.deepEqual(differences, []);
	});
}
