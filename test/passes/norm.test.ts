/** RMS and layer norm in the forms that exporters write. */
import test from 'ava';
import type {NodeSpec, ModelSpec} from '../helpers/build-model.js';
import {foldConstants} from '../../compiler/passes/fold-constants.js';
import {fuseNorm} from '../../compiler/passes/fuse-norm.js';
import {simplify} from '../../compiler/passes/simplify.js';
import {shareCommon} from '../../compiler/passes/share-common.js';
import {float32, int64} from '../../compiler/graph/tensor.js';
import {floats, node, pass, scalar, type Passed} from '../helpers/run-passes.js';

const initializers = {
	last: int64([1], [-1]),
	two: scalar(2),
	one: scalar(1),
	half: scalar(0.5),
	minusHalf: scalar(-0.5),
	epsilon: scalar(1e-5),
	gain: floats([8], 3),
	shift: floats([8], 4),
	wide: float32([1, 1, 8], floats([8], 5).data as Float32Array),
};

const model = (nodes: readonly NodeSpec[], more: Partial<ModelSpec> = {}): ModelSpec => ({
	inputs: {x: ['float32', ['batch', 'sequence', 8]]},
	outputs: {y: ['float32', [null, null, 8]]},
	initializers,
	nodes,
	...more,
});

const run = (nodes: readonly NodeSpec[], more: Partial<ModelSpec> = {}): Passed => pass(model(nodes, more), [foldConstants, simplify, shareCommon, fuseNorm]);

const square: Readonly<Record<string, NodeSpec>> = {Pow: node('Pow', ['x', 'two'], 's'), 'a product': node('Mul', ['x', 'x'], 's')};
const mean = [node('ReduceMean', ['s', 'last'], 'm'), node('Add', ['m', 'epsilon'], 'e')];
const inverse: Readonly<Record<string, readonly NodeSpec[]>> = {
	'a quotient': [node('Sqrt', ['e'], 'r'), node('Div', ['x', 'r'], 'n')],
	'the reciprocal as a quotient': [node('Sqrt', ['e'], 'r'), node('Div', ['one', 'r'], 'i'), node('Mul', ['x', 'i'], 'n')],
	Reciprocal: [node('Sqrt', ['e'], 'r'), node('Reciprocal', ['r'], 'i'), node('Mul', ['i', 'x'], 'n')],
	'the power −½': [node('Pow', ['e', 'minusHalf'], 'i'), node('Mul', ['x', 'i'], 'n')],
	'the power ½': [node('Pow', ['e', 'half'], 'r'), node('Div', ['x', 'r'], 'n')],
};

for (const [squared, first] of Object.entries(square)) {
	for (const [name, rest] of Object.entries(inverse)) {
		test(`RMS norm with ${squared} and ${name} becomes one op`, t => {
			const {text, differences} = run([first, ...mean, ...rest, node('Mul', ['gain', 'n'], 'y')]);
			t.deepEqual(text, ['y = RMSNormalization(x, gain) {axis=-1, epsilon=0.000009999999747378752}']);
			t.deepEqual(differences, []);
		});
	}
}

test('casts to the same type around an RMS norm do not hide it', t => {
	const {ops, differences} = run([
		node('Cast', ['x'], 'x32', {to: 1}),
		node('Pow', ['x32', 'two'], 's'),
		...mean,
		node('Sqrt', ['e'], 'r'),
		node('Reciprocal', ['r'], 'i'),
		node('Mul', ['x32', 'i'], 'n'),
		node('Cast', ['n'], 'n32', {to: 1}),
		node('Mul', ['gain', 'n32'], 'y'),
	]);
	t.deepEqual(ops, ['RMSNormalization']);
	t.deepEqual(differences, []);
});

const centred = [node('ReduceMean', ['x', 'last'], 'mean'), node('Sub', ['x', 'mean'], 'd')];
const variance = [node('Pow', ['d', 'two'], 's'), ...mean, node('Sqrt', ['e'], 'r'), node('Div', ['d', 'r'], 'n')];

test('layer norm written out becomes one op', t => {
	const {text, differences} = run([...centred, ...variance, node('Mul', ['n', 'gain'], 'g'), node('Add', ['g', 'shift'], 'y')]);
	t.deepEqual(text, ['y = LayerNormalization(x, gain, shift) {axis=-1, epsilon=0.000009999999747378752}']);
	t.deepEqual(differences, []);
});

test('a gain of shape [1, 1, N] counts as a vector', t => {
	const {text, differences} = run([...centred, ...variance, node('Mul', ['n', 'wide'], 'g'), node('Add', ['shift', 'g'], 'y')]);
	t.deepEqual(text, ['y = LayerNormalization(x, wide.flat.1, shift) {axis=-1, epsilon=0.000009999999747378752}']);
	t.deepEqual(differences, []);
});

test("T5's layer norm subtracts no mean: it is an RMS norm", t => {
	const {ops, differences} = run([square['Pow']!, ...mean, ...inverse['the reciprocal as a quotient']!, node('Mul', ['gain', 'n'], 'y')]);
	t.deepEqual(ops, ['RMSNormalization']);
	t.deepEqual(differences, []);
});

test('a layer norm without shift keeps its subtraction', t => {
	const {ops, differences} = run([...centred, ...variance, node('Mul', ['n', 'gain'], 'y')]);
	t.deepEqual(ops, ['ReduceMean', 'Sub', 'RMSNormalization']);
	t.deepEqual(differences, []);
});

test('parts that others read too stay', t => {
	const nodes = [square['Pow']!, ...mean, ...inverse['a quotient']!, node('Mul', ['n', 'gain'], 'y'), node('Neg', ['n'], 'z')];
	const {ops, differences} = run(nodes, {outputs: {y: ['float32', [null, null, 8]], z: ['float32', [null, null, 8]], r: ['float32', [null, null, 1]]}});
	t.true(ops.includes('RMSNormalization') && ops.includes('Div') && ops.includes('Sqrt'));
	t.deepEqual(differences, []);
});

const refused: Readonly<Record<string, {readonly nodes: readonly NodeSpec[]; readonly more?: Partial<ModelSpec>}>> = {
	'the mean of another axis': {
		nodes: [
			square['Pow']!,
			node('ReduceMean', ['s', 'first'], 'm'),
			node('Add', ['m', 'epsilon'], 'e'),
			...inverse['a quotient']!,
			node('Mul', ['n', 'gain'], 'y'),
		],
		more: {initializers: {...initializers, first: int64([1], [1])}},
	},
	'a cube': {
		nodes: [node('Pow', ['x', 'three'], 's'), ...mean, ...inverse['a quotient']!, node('Mul', ['n', 'gain'], 'y')],
		more: {initializers: {...initializers, three: scalar(3)}},
	},
	'the root mean square of another value': {
		nodes: [node('Exp', ['x'], 'z'), node('Mul', ['z', 'z'], 's'), ...mean, ...inverse['a quotient']!, node('Mul', ['n', 'gain'], 'y')],
	},
	'the quotient upside down': {nodes: [square['Pow']!, ...mean, node('Sqrt', ['e'], 'r'), node('Div', ['r', 'x'], 'n'), node('Mul', ['n', 'gain'], 'y')]},
	'a gain for each position': {
		nodes: [square['Pow']!, ...mean, ...inverse['a quotient']!, node('Mul', ['n', 'rows'], 'y')],
		more: {initializers: {...initializers, rows: floats([3, 1], 9)}, inputs: {x: ['float32', [1, 3, 8]]}},
	},
	'a gain that adds an axis': {
		nodes: [square['Pow']!, ...mean, ...inverse['a quotient']!, node('Mul', ['n', 'deep'], 'y')],
		more: {initializers: {...initializers, deep: float32([1, 1, 1, 8], floats([8], 5).data as Float32Array)}, outputs: {y: ['float32', [null, null, null, 8]]}},
	},
	'an ε that adds an axis': {
		nodes: [
			square['Pow']!,
			node('ReduceMean', ['s', 'last'], 'm'),
			node('Add', ['m', 'tall'], 'e'),
			...inverse['a quotient']!,
			node('Mul', ['n', 'gain'], 'y'),
		],
		more: {initializers: {...initializers, tall: float32([1, 1, 1, 1], [1e-5])}, outputs: {y: ['float32', [null, null, null, 8]]}},
	},
	'a gain that widens the row': {
		nodes: [square['Pow']!, ...mean, ...inverse['a quotient']!, node('Mul', ['n', 'gain'], 'y')],
		more: {inputs: {x: ['float32', [1, 3, 1]]}},
	},
};

for (const [name, {nodes, more}] of Object.entries(refused)) {
	test(`${name} is no RMS norm`, t => {
		const {ops, differences} = run(nodes, more);
		t.false(ops.includes('RMSNormalization'));
		t.deepEqual(differences, []);
	});
}
