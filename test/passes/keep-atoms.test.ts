/** Weights mixed from shared atoms, in the forms that exporters write. */
import test from 'ava';
import {findWeights} from '../../compiler/allocate/weights.js';
import {int64, type Tensor} from '../../compiler/graph/tensor.js';
import {keepAtoms} from '../../compiler/passes/keep-atoms.js';
import {passes} from '../../compiler/passes/index.js';
import type {ModelSpec, NodeSpec} from '../helpers/build-model.js';
import {floats, node, pass, type Passed} from '../helpers/run-passes.js';

const LAYERS = [0, 1, 2, 3];

/** Two atoms of 4 inputs and 6 outputs; factors for each layer. */
const initializers: Readonly<Record<string, Tensor>> = {
	atoms: floats([2, 6, 4], 1),
	first: floats([6, 4], 2),
	second: floats([6, 4], 3),
	bias: floats([6], 4),
	size: int64([2], [6, 4]),
	axis: int64([1], [0]),
	...Object.fromEntries(LAYERS.map(layer => [`row${layer}`, floats([2], 10 + layer)])),
	...Object.fromEntries(LAYERS.map(layer => [`tall${layer}`, floats([2, 1, 1], 20 + layer)])),
	...Object.fromEntries(LAYERS.flatMap(layer => [0, 1].map(s => [`one${layer}${s}`, floats([1], 30 + 2 * layer + s)]))),
};

/** The nodes that make the weight `w<layer>` [6, 4]. */
const forms: Readonly<Record<string, (layer: number) => readonly NodeSpec[]>> = {
	'a product with flattened atoms': layer => [
		node('Flatten', ['atoms'], `flat${layer}`),
		node('MatMul', [`row${layer}`, `flat${layer}`], `long${layer}`),
		node('Reshape', [`long${layer}`, 'size'], `w${layer}`),
	],
	'a sum of products': layer => [
		node('Mul', ['atoms', `tall${layer}`], `each${layer}`),
		node('ReduceSum', [`each${layer}`, 'axis'], `w${layer}`, {keepdims: 0}),
	],
	'a contraction': layer => [node('Einsum', [`row${layer}`, 'atoms'], `w${layer}`, {equation: 's, soi -> oi'})],
	'matrices with factors': layer => [
		node('Mul', ['first', `one${layer}0`], `a${layer}`),
		node('Mul', [`one${layer}1`, 'second'], `b${layer}`),
		node('Add', [`a${layer}`, `b${layer}`], `w${layer}`),
	],
};

type Product = (layer: number) => readonly NodeSpec[];

const transposedProduct: Product = layer => [node('Transpose', [`w${layer}`], `t${layer}`), node('MatMul', ['x', `t${layer}`], `y${layer}`)];

function run(weights: (layer: number) => readonly NodeSpec[], product: Product, layers: readonly number[] = LAYERS, more: Partial<ModelSpec> = {}): Passed {
	const outputs = Object.fromEntries(layers.map(layer => [`y${layer}`, ['float32', [null, null]] as const]));
	return pass({inputs: {x: ['float32', ['rows', 4]]}, outputs, initializers, nodes: layers.flatMap(layer => [...weights(layer), ...product(layer)]), ...more}, [
		keepAtoms,
	]);
}

for (const [form, weights] of Object.entries(forms)) {
	test(`atoms mixed by ${form} are one weight of all layers`, t => {
		const {ops, differences, graph} = run(weights, transposedProduct);
		t.deepEqual(
			ops,
			LAYERS.flatMap(() => ['snug.Linear', 'snug.Mix']),
		);
		t.deepEqual(differences, []);
		t.deepEqual(
			findWeights(graph).map(({rows, columns, products}) => ({rows, columns, products})),
			[{rows: 12, columns: 4, products: 4}],
		);
	});
}

test('atoms whose rows are inputs are turned', t => {
	const {ops, differences} = run(forms['a contraction']!, layer => [node('MatMul', ['z', `w${layer}`], `y${layer}`)], LAYERS, {
		inputs: {z: ['float32', ['rows', 6]]},
	});
	t.true(ops.includes('snug.Mix'));
	t.deepEqual(differences, []);
});

test('Gemm keeps its bias behind the mix', t => {
	const {ops, differences} = run(forms['a contraction']!, layer => [node('Gemm', ['x', `w${layer}`, 'bias'], `y${layer}`, {transB: 1})]);
	t.deepEqual(ops.slice(0, 3), ['snug.Linear', 'snug.Mix', 'Add']);
	t.deepEqual(differences, []);
});

test('equal atoms count once, and the factors of one atom add up', t => {
	const {graph, differences} = run(
		layer => [
			...forms['matrices with factors']!(layer).slice(0, 2),
			node('Add', [`a${layer}`, `b${layer}`], `c${layer}`),
			node('Add', [`c${layer}`, 'first'], `w${layer}`),
		],
		transposedProduct,
	);
	t.deepEqual(
		findWeights(graph).map(({rows}) => rows),
		[12],
	);
	t.deepEqual(differences, []);
});

test('two layers are too few for two atoms', t => {
	const {ops} = run(forms['a contraction']!, transposedProduct, [0, 1]);
	t.false(ops.includes('snug.Mix'));
});

test('layers with the same factors are one mix', t => {
	const {ops} = run(() => [], transposedProduct, LAYERS, {
		nodes: [
			...forms['a contraction']!(0),
			...LAYERS.flatMap(layer => [node('Transpose', ['w0'], `t${layer}`), node('MatMul', ['x', `t${layer}`], `y${layer}`)]),
		],
	});
	t.false(ops.includes('snug.Mix'));
});

test('a weight that its own low-rank update is added to stays one matrix', t => {
	const {ops} = pass(
		{
			inputs: {x: ['float32', ['rows', 4]]},
			outputs: {y0: ['float32', [null, null]]},
			initializers: {...initializers, up: floats([6, 2], 5), down: floats([2, 4], 6)},
			nodes: [node('MatMul', ['up', 'down'], 'update'), node('Add', ['first', 'update'], 'w0'), ...transposedProduct(0)],
		},
		[keepAtoms],
	);
	t.false(ops.includes('snug.Mix'));
});

test('factors that depend on an input are left to the graph', t => {
	const {ops, differences} = run(
		layer => [node('Mul', [`row${layer}`, 'u'], `free${layer}`), node('Einsum', [`free${layer}`, 'atoms'], `w${layer}`, {equation: 's,soi->oi'})],
		transposedProduct,
		LAYERS,
		{inputs: {x: ['float32', ['rows', 4]], u: ['float32', [2]]}},
	);
	t.false(ops.includes('snug.Mix'));
	t.deepEqual(differences, []);
});

test('all passes together keep atoms too', t => {
	const {graph, ops, differences} = pass(
		{
			inputs: {x: ['float32', ['rows', 4]]},
			outputs: Object.fromEntries(LAYERS.map(layer => [`y${layer}`, ['float32', [null, null]] as const])),
			initializers,
			nodes: LAYERS.flatMap(layer => [...forms['a product with flattened atoms']!(layer), ...transposedProduct(layer)]),
		},
		passes,
	);
	t.is(findWeights(graph).length, 1);
	t.is(ops.filter(op => op === 'snug.Linear').length, 1, 'one product serves layers that read the same');
	t.deepEqual(differences, []);
});

test('an expression that doubles at every step, and one that is long, are looked at once', t => {
	const steps = Array.from({length: 200}, (_, step) =>
		node('Add', [step === 0 ? 'first' : `d${step - 1}`, step === 0 ? 'second' : `d${step - 1}`], `d${step}`),
	);
	const turns = Array.from({length: 3000}, (_, step) => node('Transpose', [step === 0 ? 'first' : `r${step - 1}`], `r${step}`));
	const {graph} = pass(
		{
			inputs: {x: ['float32', ['rows', 4]]},
			outputs: {y0: ['float32', [null, null]], y1: ['float32', [null, null]]},
			initializers,
			nodes: [
				...steps,
				...turns,
				node('Transpose', ['d199'], 't0'),
				node('MatMul', ['x', 't0'], 'y0'),
				node('Transpose', ['r2999'], 't1'),
				node('MatMul', ['x', 't1'], 'y1'),
			],
		},
		[keepAtoms],
	);
	t.is(graph.nodes.filter(({op}) => op === 'MatMul').length, 2);
});

test('sums of other ranks, atoms that an attribute makes, and no atoms at all', t => {
	const made = {...initializers, deep: floats([1, 6, 4], 7), none: floats([0, 6, 4], 8), empty: floats([0], 9), axis0: int64([1], [0])};
	const forms3: ReadonlyArray<(layer: number) => readonly NodeSpec[]> = [
		layer => [
			node('Mul', ['first', `one${layer}0`], `a${layer}`),
			node('Mul', ['deep', `one${layer}1`], `b${layer}`),
			node('Add', [`a${layer}`, `b${layer}`], `s${layer}`),
			node('Squeeze', [`s${layer}`, 'axis0'], `w${layer}`),
		],
		layer => [
			node('ConstantOfShape', ['size'], `c${layer}`, {value: floats([1], 40 + layer)}),
			node('Mul', ['first', `one${layer}0`], `a${layer}`),
			node('Add', [`a${layer}`, `c${layer}`], `w${layer}`),
		],
		layer => [node('Einsum', ['empty', 'none'], `w${layer}`, {equation: 's,soi->oi'})],
	];
	for (const weights of forms3) {
		const {differences} = run(weights, transposedProduct, LAYERS, {initializers: made});
		t.deepEqual(differences, []);
	}
});

test('a Gemm whose bias is no vector counts for nothing', t => {
	const {ops, differences} = run(
		forms['a contraction']!,
		layer => [node('Gemm', ['x', `w${layer}`, layer === 0 ? 'bias' : 'one00'], `y${layer}`, {transB: 1})],
		[0, 1, 2],
	);
	t.false(ops.includes('snug.Mix'));
	t.deepEqual(differences, []);
});
