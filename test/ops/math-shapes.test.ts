/** What the math ops say at compile time: integer arithmetic on symbols, shapes, refusals, and old spellings. */
import test from 'ava';
import {keyOf, symbol, type Bounds, type Dim} from '../../compiler/graph/dim.js';
import type {DType} from '../../compiler/graph/dtype.js';
import type {Attributes} from '../../compiler/graph/graph.js';
import {float32, type Tensor} from '../../compiler/graph/tensor.js';
import {inferContext} from '../../compiler/ops/context.js';
import {mathOps} from '../../compiler/ops/math/index.js';
import type {Inferred} from '../../compiler/ops/op.js';
import {inferNode, lowerNode, makeNode} from '../helpers/lower-node.js';

const opOf = (name: string) => mathOps.find(op => op.name === name)!;

type Given = {readonly dtype: DType; readonly shape: readonly Dim[]; readonly value?: readonly Dim[]};

function infer(op: string, inputs: readonly Given[], attributes: Attributes = {}, bounds: Bounds = {}): readonly Inferred[] {
	const node = {op, name: 'node', inputs: inputs.map((_, i) => String(i)), outputs: ['y'], attributes};
	return opOf(op).infer(
		inferContext(node, {bounds, type: name => inputs[Number(name)], constant: () => undefined, value: name => inputs[Number(name)]?.value}),
	);
}

const s = symbol('sequence');
const p = symbol('past');
const known = (...value: readonly Dim[]): Given => ({dtype: 'int64', shape: [value.length], value});
const texts = (inferred: readonly Inferred[]): string[] | undefined => inferred[0]!.value?.map(keyOf);

test('Integer arithmetic follows symbols', t => {
	t.deepEqual(texts(infer('Add', [known(s, 2), known(p)])), ['past + sequence', 'past + 2']);
	t.deepEqual(texts(infer('Sub', [known(s), known(1)])), ['sequence - 1']);
	t.deepEqual(texts(infer('Mul', [known(s), known(64)])), ['64*sequence']);
	t.deepEqual(texts(infer('Div', [known(s), known(2)])), ['floordiv(sequence, 2)']);
	t.deepEqual(texts(infer('Div', [known(-7), known(2)])), ['-3']);
	t.is(texts(infer('Div', [known(s), known(p)])), undefined);
	t.deepEqual(texts(infer('Mod', [known(s, -7), known(4)])), ['mod(sequence, 4)', '1']);
	t.deepEqual(texts(infer('Mod', [known(-7), known(4)], {fmod: 1})), ['-3']);
	t.deepEqual(texts(infer('Neg', [known(s)])), ['-sequence']);
	t.deepEqual(texts(infer('Abs', [known(s, -4)])), ['sequence', '4']);
	t.deepEqual(texts(infer('Max', [known(s), known(-1)])), ['sequence']);
	t.deepEqual(texts(infer('Min', [known(s), known(8)])), ['min(sequence, 8)']);
	t.deepEqual(texts(infer('ReduceProd', [known(s, 3, 2)], {keepdims: 0})), ['6*sequence']);
	t.deepEqual(texts(infer('ReduceSum', [known(s, p)])), ['past + sequence']);
	t.deepEqual(texts(infer('CumSum', [known(s, 1, p), known(0)])), ['sequence', 'sequence + 1', 'past + sequence + 1']);
});

test('Comparisons are decided where the bounds decide them', t => {
	t.deepEqual(texts(infer('Equal', [known(s, -1, 3), known(s, s, 3)])), ['1', '0', '1']);
	t.is(texts(infer('Equal', [known(s), known(1)])), undefined);
	t.deepEqual(texts(infer('Equal', [known(s), known(0)], {}, {sequence: {min: 1, max: 9}})), ['0']);
	t.deepEqual(texts(infer('Less', [known(s), known(10)], {}, {sequence: {min: 1, max: 9}})), ['1']);
	t.deepEqual(texts(infer('Greater', [known(s), known(9)], {}, {sequence: {min: 1, max: 9}})), ['0']);
	t.deepEqual(texts(infer('GreaterOrEqual', [known(s), known(0)])), ['1']);
	t.is(texts(infer('LessOrEqual', [known(s), known(4)])), undefined);
});

test('Where, Not, And, Or and Cast follow what is known', t => {
	const bools = (...value: readonly Dim[]): Given => ({dtype: 'bool', shape: [value.length], value});
	t.deepEqual(texts(infer('Where', [bools(1, 0), known(s, s), known(p, p)])), ['sequence', 'past']);
	t.deepEqual(texts(infer('Where', [bools(1), known(s), {dtype: 'int64', shape: [1]}])), ['sequence']);
	t.is(texts(infer('Where', [{dtype: 'bool', shape: [1]}, known(s), known(p)])), undefined);
	t.deepEqual(texts(infer('Not', [bools(1, 0)])), ['0', '1']);
	t.deepEqual(texts(infer('And', [bools(0, 0), {dtype: 'bool', shape: [2]}])), ['0', '0']);
	t.deepEqual(texts(infer('Or', [bools(1, 1), {dtype: 'bool', shape: [2]}])), ['1', '1']);
	t.deepEqual(texts(infer('Cast', [known(s)], {to: 6})), ['sequence']);
	t.deepEqual(texts(infer('Cast', [known(3, 0, -1)], {to: 9})), ['1', '0', '1']);
	t.is(texts(infer('Cast', [known(s)], {to: 1})), undefined);
});

test('Shapes of symbols broadcast when they are equal or 1', t => {
	const [sum] = infer('Add', [
		{dtype: 'float32', shape: [1, s, 8]},
		{dtype: 'float32', shape: [s, 1]},
	]);
	t.deepEqual(sum!.shape.map(keyOf), ['1', 'sequence', '8']);
	const error = t.throws(() =>
		infer('Add', [
			{dtype: 'float32', shape: [s, 8]},
			{dtype: 'float32', shape: [p, 8]},
		]),
	);
	t.regex(error.message, /Add 'node'.*sequence.*past/);
});

test('Types that do not fit are refused by name', t => {
	t.throws(() => infer('Add', [known(1), {dtype: 'float32', shape: [1]}]), {message: /Add 'node': inputs differ in type: expected int64, found float32/});
	t.throws(() => infer('Exp', [known(1)]), {message: /Exp 'node'.*float.*int64/});
	const x: Tensor = {dtype: 'float64', dims: [2], data: Float64Array.of(1, 2)};
	t.throws(() => lowerNode(opOf('Exp'), makeNode('Exp', [x]), [x]), {
		message: /Exp 'node': no kernel for the type of input 0: expected float32, found float64/,
	});
	t.throws(() => inferNode(opOf('Softmax'), makeNode('Softmax', [float32([2], [1, 2])], {axis: 3}), [float32([2], [1, 2])]), {
		message: /axis out of range: expected -1 to 0.*found 3/,
	});
});

test('Old spellings become the newest', t => {
	const constants: Tensor[] = [];
	const context = (op: string, attributes: Attributes, opset: number) => ({
		node: {op, name: 'node', inputs: ['x'], outputs: ['y'], attributes},
		opset,
		addConstant(tensor: Tensor) {
			constants.push(tensor);
			return `c${constants.length - 1}`;
		},
		fail: () => t.fail(),
	});
	t.like(opOf('ReduceMean').upgrade!(context('ReduceMean', {axes: [-1], keepdims: 0}, 17)), {inputs: ['x', 'c0'], attributes: {keepdims: 0}});
	t.deepEqual([...constants[0]!.data], [-1n]);
	t.like(opOf('ReduceSum').upgrade!(context('ReduceSum', {axes: [1]}, 12)), {inputs: ['x', 'c1'], attributes: {}});
	t.like(opOf('Clip').upgrade!(context('Clip', {max: 6}, 10)), {inputs: ['x', '', 'c2'], attributes: {}});
	t.like(opOf('Dropout').upgrade!(context('Dropout', {ratio: 0.5}, 11)), {inputs: ['x'], attributes: {}});
});
