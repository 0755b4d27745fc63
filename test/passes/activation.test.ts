/** GELU and gated activations in the forms that exporters write. */
import test from 'ava';
import type {ModelSpec, NodeSpec} from '../helpers/build-model.js';
import {fuseGated, fuseGelu} from '../../compiler/passes/fuse-activation.js';
import {float32} from '../../compiler/graph/tensor.js';
import {floats, node, pass, scalar, type Passed} from '../helpers/run-passes.js';

const initializers = {
	half: scalar(0.5),
	one: scalar(1),
	two: scalar(2),
	three: scalar(3),
	root: scalar(Math.SQRT2),
	inverse: scalar(Math.SQRT1_2),
	cubic: scalar(0.044715),
	tanh: scalar(Math.sqrt(2 / Math.PI)),
	tanhCubic: scalar(Math.sqrt(2 / Math.PI) * 0.044715),
	k: floats([6], 7),
};

const model = (nodes: readonly NodeSpec[], more: Partial<ModelSpec> = {}): ModelSpec => ({
	inputs: {x: ['float32', ['rows', 6]], u: ['float32', ['rows', 6]]},
	outputs: {y: ['float32', [null, 6]]},
	initializers,
	nodes,
	...more,
});

const run = (nodes: readonly NodeSpec[], more: Partial<ModelSpec> = {}): Passed => pass(model(nodes, more), [fuseGelu, fuseGated]);

const quotient = node('Div', ['x', 'root'], 'z');
const product = node('Mul', ['inverse', 'x'], 'z');
const erf = [node('Erf', ['z'], 'f'), node('Add', ['f', 'one'], 'p')];

const erfForms: Readonly<Record<string, readonly NodeSpec[]>> = {
	'x (1 + erf(x / √2)) ½': [quotient, ...erf, node('Mul', ['x', 'p'], 'm'), node('Mul', ['m', 'half'], 'y')],
	'½ (x (1 + erf(x × 0.7071)))': [product, ...erf, node('Mul', ['p', 'x'], 'm'), node('Mul', ['half', 'm'], 'y')],
	'(½ x) (1 + erf)': [quotient, ...erf, node('Mul', ['x', 'half'], 'm'), node('Mul', ['m', 'p'], 'y')],
	'x (½ (1 + erf))': [product, node('Erf', ['z'], 'f'), node('Add', ['one', 'f'], 'p'), node('Mul', ['p', 'half'], 'm'), node('Mul', ['x', 'm'], 'y')],
	'x (1 + erf) / 2': [quotient, ...erf, node('Mul', ['x', 'p'], 'm'), node('Div', ['m', 'two'], 'y')],
};

for (const [form, nodes] of Object.entries(erfForms)) {
	test(`GELU as ${form} becomes one op`, t => {
		const {text, differences} = run(nodes);
		t.deepEqual(text, ['y = Gelu(x) {approximate="none"}']);
		t.deepEqual(differences, []);
	});
}

test('GELU of a product is found, and the product stays', t => {
	const {text, differences} = run([
		node('Mul', ['u', 'k'], 'x2'),
		node('Div', ['x2', 'root'], 'z'),
		...erf,
		node('Mul', ['x2', 'p'], 'm'),
		node('Mul', ['m', 'half'], 'y'),
	]);
	t.deepEqual(text, ['x2 = Mul(u, k)', 'y = Gelu(x2) {approximate="none"}']);
	t.deepEqual(differences, []);
});

const cubePow = [node('Pow', ['x', 'three'], 'c'), node('Mul', ['c', 'cubic'], 'cc')];
const cubeProducts = [node('Mul', ['x', 'x'], 'xx'), node('Mul', ['xx', 'x'], 'c'), node('Mul', ['cubic', 'c'], 'cc')];
const tanhRest = [node('Add', ['x', 'cc'], 'a'), node('Mul', ['a', 'tanh'], 'z'), node('Tanh', ['z'], 'f'), node('Add', ['f', 'one'], 'p')];
const tail = [node('Mul', ['x', 'half'], 'm'), node('Mul', ['m', 'p'], 'y')];

const tanhForms: Readonly<Record<string, readonly NodeSpec[]>> = {
	'x + 0.044715 Pow(x, 3)': [...cubePow, ...tanhRest, ...tail],
	'x + 0.044715 (x x x)': [...cubeProducts, ...tanhRest, ...tail],
	'x (1 + (0.044715 x) x)': [
		node('Mul', ['cubic', 'x'], 'l'),
		node('Mul', ['l', 'x'], 'q'),
		node('Add', ['q', 'one'], 's'),
		node('Mul', ['x', 's'], 'a'),
		node('Mul', ['tanh', 'a'], 'z'),
		node('Tanh', ['z'], 'f'),
		node('Add', ['one', 'f'], 'p'),
		...tail,
	],
	'x (0.7979 + 0.0357 x²)': [
		node('Mul', ['x', 'x'], 'xx'),
		node('Mul', ['xx', 'tanhCubic'], 'q'),
		node('Add', ['q', 'tanh'], 's'),
		node('Mul', ['x', 's'], 'z'),
		node('Tanh', ['z'], 'f'),
		node('Add', ['f', 'one'], 'p'),
		...tail,
	],
};

for (const [form, nodes] of Object.entries(tanhForms)) {
	test(`GELU by tanh of ${form} becomes one op`, t => {
		const {text, differences} = run(nodes);
		t.deepEqual(text, ['y = Gelu(x) {approximate="tanh"}']);
		t.deepEqual(differences, []);
	});
}

const noGelu: Readonly<Record<string, {readonly nodes: readonly NodeSpec[]; readonly more?: Partial<ModelSpec>}>> = {
	'another value times 1 + erf(x / √2)': {nodes: [quotient, ...erf, node('Mul', ['u', 'p'], 'm'), node('Mul', ['m', 'half'], 'y')]},
	'erf(x / 2)': {nodes: [node('Div', ['x', 'two'], 'z'), ...erf, node('Mul', ['x', 'p'], 'm'), node('Mul', ['m', 'half'], 'y')]},
	'without a half': {nodes: [quotient, ...erf, node('Mul', ['x', 'p'], 'y')]},
	'√2 divided by x': {nodes: [node('Div', ['root', 'x'], 'z'), ...erf, node('Mul', ['x', 'p'], 'm'), node('Mul', ['m', 'half'], 'y')]},
	'a half that adds an axis': {
		nodes: [quotient, ...erf, node('Mul', ['x', 'p'], 'm'), node('Mul', ['m', 'tall'], 'y')],
		more: {initializers: {...initializers, tall: float32([1, 1, 1], [0.5])}, outputs: {y: ['float32', [null, null, 6]]}},
	},
	'a square where the cube belongs': {nodes: [node('Mul', ['x', 'x'], 'c'), node('Mul', ['c', 'cubic'], 'cc'), ...tanhRest, ...tail]},
};

for (const [name, {nodes, more}] of Object.entries(noGelu)) {
	test(`${name} is no GELU`, t => {
		const {ops, differences} = run(nodes, more);
		t.false(ops.includes('Gelu'));
		t.deepEqual(differences, []);
	});
}

const silu = [node('Sigmoid', ['x'], 's'), node('Mul', ['x', 's'], 'a')];
const gates: Readonly<Record<string, {readonly nodes: readonly NodeSpec[]; readonly activation: string}>> = {
	SwiGLU: {nodes: [...silu, node('Mul', ['a', 'u'], 'y')], activation: 'silu'},
	'SwiGLU, the other way round': {nodes: [node('Sigmoid', ['x'], 's'), node('Mul', ['s', 'x'], 'a'), node('Mul', ['u', 'a'], 'y')], activation: 'silu'},
	GeGLU: {
		nodes: [...cubePow, ...tanhRest, node('Mul', ['x', 'half'], 'm'), node('Mul', ['m', 'p'], 'act'), node('Mul', ['act', 'u'], 'y')],
		activation: 'gelu_tanh',
	},
	ReGLU: {nodes: [node('Relu', ['x'], 'a'), node('Mul', ['a', 'u'], 'y')], activation: 'relu'},
};

for (const [name, {nodes, activation}] of Object.entries(gates)) {
	test(`${name} becomes one op`, t => {
		const {text, differences} = run(nodes);
		t.deepEqual(text, [`y = snug.Gated(x, u) {activation="${activation}"}`]);
		t.deepEqual(differences, []);
	});
}

const notGated: Readonly<Record<string, {readonly nodes: readonly NodeSpec[]; readonly more?: Partial<ModelSpec>}>> = {
	'an activation that is read twice': {nodes: [...silu, node('Mul', ['a', 'u'], 'b'), node('Add', ['a', 'b'], 'y')]},
	'an activation that is an output': {nodes: [...silu, node('Mul', ['a', 'u'], 'y')], more: {outputs: {y: ['float32', [null, 6]], a: ['float32', [null, 6]]}}},
	'an activation times a constant': {nodes: [...silu, node('Mul', ['a', 'k'], 'y')]},
	'a sibling that is broadcast': {nodes: [...silu, node('Mul', ['a', 'u'], 'y')], more: {inputs: {x: ['float32', ['rows', 6]], u: ['float32', [1, 6]]}}},
	'a gate that is broadcast': {nodes: [...silu, node('Mul', ['a', 'u'], 'y')], more: {inputs: {x: ['float32', [1, 6]], u: ['float32', ['rows', 6]]}}},
	'an activation times its own input': {nodes: [...silu, node('Mul', ['a', 'x'], 'y')]},
	'a scalar': {nodes: [...silu, node('Mul', ['a', 'u'], 'y')], more: {inputs: {x: ['float32', []], u: ['float32', []]}, outputs: {y: ['float32', []]}}},
};

for (const [name, {nodes, more}] of Object.entries(notGated)) {
	test(`${name} is not fused with its product`, t => {
		const {ops, differences} = run(nodes, more);
		t.false(ops.includes('snug.Gated'));
		t.deepEqual(differences, []);
	});
}
