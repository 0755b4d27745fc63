/** Joined linears part again where their outputs do, and not where a gate makes one of them. */
import test from 'ava';
import {passes} from '../../compiler/passes/index.js';
import {partSiblings} from '../../compiler/passes/part-siblings.js';
import type {ModelSpec} from '../helpers/build-model.js';
import {floats, node, pass} from '../helpers/run-passes.js';

const [INPUTS, FIRST, SECOND] = [8, 12, 4];

const model = (nodes: ModelSpec['nodes'], second = SECOND): ModelSpec => ({
	opsets: {'': 17},
	inputs: {x: ['float32', [2, 'sequence', INPUTS]]},
	outputs: {y: ['float32', [null, null, null]], z: ['float32', [null, null, null]]},
	initializers: {a: floats([INPUTS, FIRST], 1), b: floats([INPUTS, second], 2), c: floats([FIRST], 3), d: floats([second], 4)},
	nodes,
});

const feeds = {feeds: {x: floats([2, 3, INPUTS], 5)}, bindings: {sequence: 3}, atol: 1e-6};

const products = [node('MatMul', ['x', 'a'], 'p'), node('MatMul', ['x', 'b'], 'q')];

test('what was joined parts, row by row', t => {
	const nodes = [...products, node('Softmax', ['p'], 'y', {axis: -1}), node('Tanh', ['q'], 'z')];
	t.is(pass(model(nodes), passes, feeds).ops.filter(op => op === 'snug.Linear').length, 1);
	const {differences, ops, typed} = pass(model(nodes), [...passes, partSiblings], feeds);
	t.deepEqual(differences, []);
	t.false(ops.includes('Split'));
	const constants = typed.graph.nodes.filter(({op}) => op === 'snug.Linear').map(({inputs}) => typed.graph.constants.get(inputs[1]!)!);
	t.deepEqual(
		constants.map(({dims}) => dims),
		[
			[FIRST, INPUTS],
			[SECOND, INPUTS],
		],
	);
});

test('each takes its part of the bias', t => {
	const nodes = [...products, node('Add', ['p', 'c'], 'r'), node('Add', ['q', 'd'], 's'), node('Softmax', ['r'], 'y', {axis: -1}), node('Tanh', ['s'], 'z')];
	const {differences, typed} = pass(model(nodes), [...passes, partSiblings], feeds);
	t.deepEqual(differences, []);
	t.deepEqual(
		typed.graph.nodes.filter(({op}) => op === 'snug.Linear').map(({inputs}) => inputs.length),
		[3, 3],
	);
});

test('a gate and what it lets through stay together', t => {
	const nodes = [...products, node('Sigmoid', ['p'], 's'), node('Mul', ['p', 's'], 't'), node('Mul', ['t', 'q'], 'y'), node('Tanh', ['y'], 'z')];
	const {ops} = pass(model(nodes, FIRST), [...passes, partSiblings], feeds);
	t.is(ops.filter(op => op === 'snug.Linear').length, 1);
});
