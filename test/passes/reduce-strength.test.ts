/** Arithmetic that does less than it says goes, and only that. */
import test from 'ava';
import {float32, int64} from '../../compiler/graph/tensor.js';
import {importModel} from '../../compiler/onnx/import.js';
import {foldConstants} from '../../compiler/passes/fold-constants.js';
import {mergeLayout} from '../../compiler/passes/merge-layout.js';
import {optimize} from '../../compiler/passes/optimize.js';
import {reduceStrength} from '../../compiler/passes/reduce-strength.js';
import {simplify} from '../../compiler/passes/simplify.js';
import type {ModelSpec} from '../helpers/build-model.js';
import {lines, node, pass} from '../helpers/run-passes.js';

const model = (
	nodes: ModelSpec['nodes'],
	initializers: ModelSpec['initializers'] = {},
	inputs: ModelSpec['inputs'] = {x: ['float32', ['rows', 4]]},
): ModelSpec => ({
	inputs,
	outputs: {y: ['float32', [null, null]]},
	initializers,
	nodes,
});

/** The angles of a rotary embedding as exporters write them, with a scaling of one. */
const angles = model(
	[
		node('Unsqueeze', ['positions', 'axis'], 'p'),
		node('Cast', ['p'], 'f', {to: 1}),
		node('MatMul', ['frequencies', 'f'], 'product'),
		node('Transpose', ['product'], 'angles', {perm: [0, 2, 1]}),
		node('Cos', ['angles'], 'cos'),
		node('Mul', ['cos', 'one'], 'y'),
	],
	{axis: int64([1], [1]), frequencies: float32([1, 4, 1], [1, 0.1, 0.01, 0.001]), one: float32([], [1])},
	{positions: ['int64', [1, 'sequence']]},
);

test('the angles of a rotary embedding become one multiplication, and their scaling by one goes', t => {
	const {before, text, differences} = pass({...angles, nodes: [...angles.nodes, node('Neg', ['y'], 'z')], outputs: {z: ['float32', [null, null, null]]}}, [
		reduceStrength,
		foldConstants,
		mergeLayout,
		simplify,
	]);
	t.deepEqual(lines(before), [
		'p = Unsqueeze(positions, axis)',
		'f = Cast(p) {to=1}',
		'product = MatMul(frequencies, f)',
		'angles = Transpose(product) {perm=[0, 2, 1]}',
		'cos = Cos(angles)',
		'y = Mul(cos, one)',
		'z = Neg(y)',
	]);
	t.deepEqual(text, [
		'p = Unsqueeze(positions, axis)',
		'f = Cast(p) {to=1}',
		'MatMul_product/Reshape:0 = Reshape(f, [1, sequence, 1]) {allowzero=1}',
		'angles = Mul(MatMul_product/Reshape:0, MatMul_product/Reshape.1:0)',
		'cos = Cos(angles)',
		'z = Neg(cos)',
	]);
	t.deepEqual(differences, []);
});

for (const [title, line, initializer] of [
	['a factor of one', node('Mul', ['a', 'c'], 'b'), float32([], [1])],
	['a factor of ones on the left', node('Mul', ['c', 'a'], 'b'), float32([4], [1, 1, 1, 1])],
	['a divisor of one', node('Div', ['a', 'c'], 'b'), float32([1], [1])],
	['an addend of zero', node('Add', ['c', 'a'], 'b'), float32([1, 4], [0, 0, 0, 0])],
	['a subtrahend of zero', node('Sub', ['a', 'c'], 'b'), float32([], [0])],
] as const) {
	test(`${title} goes`, t => {
		const {text, differences} = pass(model([node('Exp', ['x'], 'a'), line, node('Neg', ['b'], 'y')], {c: initializer}), [reduceStrength, simplify]);
		t.deepEqual(text, ['a = Exp(x)', 'y = Neg(a)']);
		t.deepEqual(differences, []);
	});
}

for (const [title, line, initializer] of [
	['a factor that is not one throughout', node('Mul', ['a', 'c'], 'b'), float32([4], [1, 1, 1, 1.000_001])],
	['a factor of ones that broadcasts', node('Mul', ['a', 'c'], 'b'), float32([2, 1, 1], [1, 1])],
	['a dividend of one', node('Div', ['c', 'a'], 'b'), float32([], [1])],
	['a minuend of zero', node('Sub', ['c', 'a'], 'b'), float32([], [0])],
	['an addend of one', node('Add', ['a', 'c'], 'b'), float32([], [1])],
] as const) {
	test(`${title} stays`, t => {
		const {ops, differences} = pass(model([node('Exp', ['x'], 'a'), line, node('Neg', ['b'], 'y')], {c: initializer}), [reduceStrength, simplify]);
		t.deepEqual(ops, ['Exp', line.op, 'Neg']);
		t.deepEqual(differences, []);
	});
}

test('a product over an axis of one becomes a multiplication; over more it stays', t => {
	const product = (columns: number): ModelSpec =>
		model([node('MatMul', ['a', 'b'], 'y')], {}, {a: ['float32', [2, 'rows', columns]], b: ['float32', [2, columns, 5]]});
	const one = pass(product(1), [reduceStrength]);
	t.deepEqual(one.text, ['y = Mul(a, b)']);
	t.deepEqual(one.differences, []);
	t.deepEqual(pass(product(2), [reduceStrength]).ops, ['MatMul']);
});

test('a product that others read too keeps its own form beside the transposed one', t => {
	const shared = model(
		[node('MatMul', ['a', 'b'], 'product'), node('Transpose', ['product'], 'turned', {perm: [1, 0]}), node('MatMul', ['product', 'turned'], 'y')],
		{},
		{a: ['float32', ['rows', 1]], b: ['float32', [1, 5]]},
	);
	const {ops, differences} = pass(shared, [reduceStrength]);
	t.deepEqual(ops, ['Mul', 'Transpose', 'MatMul']);
	t.deepEqual(differences, []);
});

test('a language model keeps no product and no factor outside its layers', t => {
	const {graph} = optimize(importModel('test/models/books-3m/model.onnx'));
	const ops = graph.nodes.map(({op}) => op);
	t.deepEqual(
		['MatMul', 'Transpose', 'Mul'].map(op => ops.filter(other => other === op).length),
		[0, 0, 1],
	);
});
