/** Rotation of the residual stream: the same outputs from other weights, and only where nothing else looks. */
import test from 'ava';
import {createRotation, rotateOutputs} from '../../compiler/numeric/rotation.js';
import {passes} from '../../compiler/passes/index.js';
import {optimize} from '../../compiler/passes/optimize.js';
import {rotateStream} from '../../compiler/passes/rotate-stream.js';
import type {ModelSpec} from '../helpers/build-model.js';
import {float32} from '../../compiler/graph/tensor.js';
import type {TypedGraph} from '../../compiler/passes/infer-types.js';
import {floats, node, pass} from '../helpers/run-passes.js';
import {tiny, tinyLanguageModelSpec} from '../helpers/tiny-language-model.js';

const [VOCABULARY, WIDTH, INNER] = [11, 12, 20];

/** An embedding, one block with a bias, and a head of its own or the table. */
const model = (tied: boolean, more: Partial<Pick<ModelSpec, 'outputs'>> & {readonly nodes?: ModelSpec['nodes']} = {}): ModelSpec => ({
	opsets: {'': 23},
	inputs: {ids: ['int64', [1, 'sequence']]},
	outputs: {y: ['float32', [null, null, null]], ...more.outputs},
	initializers: {
		table: floats([VOCABULARY, WIDTH], 1),
		gain: float32(
			[WIDTH],
			Array.from({length: WIDTH}, (_, index) => 0.5 + index / 10),
		),
		last: float32(
			[WIDTH],
			Array.from({length: WIDTH}, (_, index) => 2 - index / 9),
		),
		up: floats([WIDTH, INNER], 2, 0.3),
		down: floats([INNER, WIDTH], 3, 0.3),
		shift: floats([WIDTH], 4),
		head: floats([WIDTH, VOCABULARY], 5),
	},
	nodes: [
		node('Gather', ['table', 'ids'], 'x0'),
		node('RMSNormalization', ['x0', 'gain'], 'n0', {axis: -1}),
		node('MatMul', ['n0', 'up'], 'u'),
		node('Relu', ['u'], 'r'),
		node('MatMul', ['r', 'down'], 'd'),
		node('Add', ['d', 'shift'], 'b'),
		node('Add', ['x0', 'b'], 'x1'),
		node('RMSNormalization', ['x1', 'last'], 'n1', {axis: -1}),
		...(tied ? [node('Transpose', ['table'], 'turned', {perm: [1, 0]})] : []),
		node('MatMul', ['n1', tied ? 'turned' : 'head'], 'y'),
		...(more.nodes ?? []),
	],
});

const weightsOf = ({graph}: TypedGraph): ReadonlyMap<string, Float32Array> =>
	new Map(
		graph.nodes
			.filter(({op}) => op === 'snug.Linear' || op === 'snug.Embedding')
			.map(({inputs}) => [inputs[1]!, graph.constants.get(inputs[1]!)!.read() as Float32Array]),
	);

for (const tied of [false, true]) {
	test(`the outputs stay and every weight changes${tied ? '; a tied head is the table, behind the gain' : ''}`, t => {
		const {before, typed, differences} = pass(model(tied), [...passes, rotateStream]);
		t.deepEqual(differences, []);
		const plain = weightsOf(optimize(before, passes));
		const turned = weightsOf(typed);
		t.is(turned.size, 4);
		for (const [name, data] of turned) {
			t.notDeepEqual(data, plain.get(name), name);
		}

		const head = typed.graph.nodes.find(({outputs}) => outputs[0] === 'y')!;
		const gain = typed.graph.nodes.find(({outputs}) => outputs[0] === head.inputs[0])!;
		t.is(head.inputs[1], tied ? 'table' : [...plain.keys()].at(-1));
		t.is(gain.op, tied ? 'snug.Linear' : 'RMSNormalization');
		t.is(typed.graph.constants.get(gain.inputs[1]!)!.guarded, tied ? true : undefined);
	});
}

test('a language model with a past keeps its logits and its cache', t => {
	const {differences, typed} = pass(tinyLanguageModelSpec(), [...passes, rotateStream], {positions: tiny.positions, atol: 2e-4});
	t.deepEqual(differences, []);
	t.true(typed.graph.nodes.some(({name}) => name.endsWith('/gain')));
});

const untouched: Readonly<Record<string, ModelSpec>> = {
	'that is an output': model(false, {outputs: {x1: ['float32', [null, null, null]]}}),
	'that something else reads': model(false, {outputs: {z: ['float32', [null, null, null]]}, nodes: [node('Neg', ['x1'], 'z')]}),
	'whose norm something else reads': model(false, {outputs: {z: ['float32', [null, null, null]]}, nodes: [node('Neg', ['n1'], 'z')]}),
};
for (const [title, spec] of Object.entries(untouched)) {
	test(`a stream ${title} is left alone`, t => {
		const {before, typed, differences} = pass(spec, [...passes, rotateStream]);
		t.deepEqual(differences, []);
		t.deepEqual(weightsOf(typed), weightsOf(optimize(before, passes)));
	});
}

test('a rotation is orthogonal, spreads, and is the same for the same seed', t => {
	for (const size of [1, 3, 16, 48, 576]) {
		const rotation = createRotation(size, 5);
		const unit = Float32Array.from({length: size * size}, (_, index) => Number(index % (size + 1) === 0));
		rotation.rotate(unit);
		let worst = 0;
		for (let i = 0; i < size; i++) {
			for (let j = i; j < size; j++) {
				const dot = unit.subarray(i * size, (i + 1) * size).reduce((sum, value, k) => sum + value * unit[j * size + k]!, 0);
				worst = Math.max(worst, Math.abs(dot - Number(i === j)));
			}
		}

		t.true(worst < 1e-5, `${size}: ${worst}`);
		const again = Float32Array.from({length: size * size}, (_, index) => Number(index % (size + 1) === 0));
		createRotation(size, 5).rotate(again);
		t.deepEqual(again, unit);
		// Every element of a unit vector gets its share, up to the odd part.
		if (size >= 48) {
			t.true(unit.reduce((most, value) => Math.max(most, Math.abs(value)), 0) < 0.3);
		}
	}
});

test('rotated outputs are the outputs rotated', t => {
	const rotation = createRotation(12, 2);
	const [rows, columns] = [12, 70];
	const weight = floats([rows, columns], 8).data as Float32Array;
	const x = floats([columns], 9).data as Float32Array;
	const product = (w: Float32Array): Float32Array =>
		Float32Array.from({length: rows}, (_, r) => x.reduce((sum, value, c) => sum + value * w[r * columns + c]!, 0));
	const expected = product(weight);
	rotation.rotate(expected);
	const turned = weight.slice();
	rotateOutputs(rotation, turned, columns);
	for (const [index, value] of product(turned).entries()) {
		t.true(Math.abs(value - expected[index]!) < 1e-4);
	}
});
