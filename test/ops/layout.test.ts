import test from 'ava';
import {add, keyOf, multiply, symbol, type Dim} from '../../compiler/graph/dim.js';
import type {DType} from '../../compiler/graph/dtype.js';
import type {Attributes, Node, ValueType} from '../../compiler/graph/graph.js';
import {constant, float32, int64, type Tensor} from '../../compiler/graph/tensor.js';
import {inferContext} from '../../compiler/ops/context.js';
import {layoutOps} from '../../compiler/ops/layout/index.js';
import type {Inferred, Op} from '../../compiler/ops/op.js';
import {difference} from '../helpers/compare.js';
import {evaluateNode, lowerNode, makeNode} from '../helpers/lower-node.js';

const [past, sequence] = [symbol('past'), symbol('sequence')];
const bounds = {past: {min: 0, max: 1024}, sequence: {min: 1, max: 1024}};

const opOf = (name: string): Op => layoutOps.find(op => op.name === name)!;

/** An input with its elements where they are known. */
type Known = ValueType & {readonly value?: readonly Dim[]};

const list = (...value: readonly Dim[]): Known => ({dtype: 'int64', shape: [value.length], value});
const single = (value: Dim): Known => ({dtype: 'int64', shape: [], value: [value]});
const data = (...shape: readonly Dim[]): Known => ({dtype: 'float32', shape});

function infer(name: string, inputs: ReadonlyArray<Known | undefined>, attributes: Attributes = {}, outputs = 1): readonly Inferred[] {
	const node: Node = {
		op: name,
		name: 'node',
		inputs: inputs.map((input, i) => (input ? `i${i}` : '')),
		outputs: Array.from({length: outputs}, (_, i) => `o${i}`),
		attributes,
	};
	const at = (value: string): Known | undefined => inputs[Number(value.slice(1))];
	return opOf(name).infer(inferContext(node, {bounds, type: at, constant: () => undefined, value: value => at(value)?.value}));
}

const text = (dims: readonly Dim[] | undefined): string => (dims ?? []).map(keyOf).join(' ');

test('a reshape finds −1 and copies 0 with symbolic sizes', t => {
	const [output] = infer('Reshape', [data(1, sequence, 576), list(0, -1, 9, 64)]);
	t.is(text(output!.shape), '1 sequence 9 64');
	t.is(text(infer('Reshape', [data(2, add(past, sequence), 4), list(-1, 8)])[0]!.shape), 'past + sequence 8');
	t.is(text(infer('Reshape', [data(1, multiply(4, sequence)), list(4, sequence)])[0]!.shape), '4 sequence');
});

test('a reshape to another number of elements is refused', t => {
	t.throws(() => infer('Reshape', [data(2, 3), list(4, 2)]), {message: /differ in the number of elements: expected a shape for \[2, 3\], found \[4, 2\]/});
	t.throws(() => infer('Reshape', [data(sequence, 4), list(4, past)]), {message: /differ in the number/});
	t.throws(() => infer('Reshape', [data(5), list(-1, 2)]), {message: /cannot be divided/});
	t.throws(() => infer('Reshape', [data(5), {dtype: 'int64', shape: [1]}]), {message: /shape depends on data/});
});

test('shape arithmetic folds: shape, gather, unsqueeze, concat, constant of shape, expand', t => {
	const [dims] = infer('Shape', [data(1, 3, add(past, sequence), 64)]);
	const [length] = infer('Gather', [dims!, single(2)]);
	t.is(text(length!.value), 'past + sequence');
	const [wide] = infer('Unsqueeze', [length!, list(0)]);
	const [joined] = infer('Concat', [list(1, 9), wide!, list(64)], {axis: 0});
	t.is(text(joined!.value), '1 9 past + sequence 64');
	const [rank] = infer('Shape', [joined!]);
	const [ones] = infer('ConstantOfShape', [rank!], {value: constant(int64([1], [1]))});
	t.is(text(ones!.value), '1 1 1 1');
	t.is(text(infer('Expand', [data(1, 1, 1, 64), joined!])[0]!.shape), '1 9 past + sequence 64');
});

test('known elements go through slices, splits, transposes, tiles and reshapes', t => {
	const value = list(1, sequence, 3, past);
	t.is(text(infer('Slice', [value, list(-2), list(2 ** 63), list(0)])[0]!.value), '3 past');
	t.is(text(infer('Slice', [value, list(-1), list(-(2 ** 63)), list(0), list(-2)])[0]!.value), 'past sequence');
	t.deepEqual(
		infer('Split', [value], {axis: 0, num_outputs: 2}, 2).map(({value: part}) => text(part)),
		['1 sequence', '3 past'],
	);
	const [square] = infer('Reshape', [value, list(2, 2)]);
	t.is(text(infer('Transpose', [square!])[0]!.value), '1 3 sequence past');
	t.is(text(infer('Tile', [list(sequence, 2), list(2)])[0]!.value), 'sequence 2 sequence 2');
	t.is(text(infer('Pad', [list(sequence), list(1, 2)])[0]!.value), '0 sequence 0 0');
});

test('slices take symbolic bounds', t => {
	const total = add(past, sequence);
	const slice = (dim: Dim, start: Dim, end: Dim): string => text(infer('Slice', [data(dim, 4), list(start), list(end), list(0)])[0]!.shape);
	t.is(slice(total, 0, total), 'past + sequence 4');
	t.is(slice(total, past, 2 ** 63), 'sequence 4');
	t.is(slice(total, multiply(-1, sequence), 2 ** 63), 'sequence 4');
	t.is(slice(2048, 0, sequence), 'sequence 4');
	t.is(slice(sequence, 0, -1), '-1 + sequence 4'.replace('-1 + sequence', 'sequence - 1'));
	t.is(slice(512, 0, sequence), 'min(sequence, 512) 4');
});

test('a range with symbolic bounds has a symbolic length', t => {
	const range = (start: Dim, limit: Dim, delta: Dim): string => text(infer('Range', [single(start), single(limit), single(delta)])[0]!.shape);
	t.is(range(past, add(past, sequence), 1), 'sequence');
	t.is(range(multiply(3, sequence), 0, -3), 'sequence');
	t.is(range(5, 5, 1), '0');
	t.throws(() => range(0, 5, sequence), {message: /delta cannot be used/});
});

test('a single known index is an alias at an offset', t => {
	const x = float32([3, 2], [1, 2, 3, 4, 5, 6]);
	const inputs = [x, int64([], [-1])];
	t.is(difference(lowerNode(opOf('Gather'), makeNode('Gather', inputs), inputs)[0], float32([2], [5, 6])), undefined);
});

const numbers = (count: number): number[] => Array.from({length: count}, (_, i) => i);

const shapes: ReadonlyArray<readonly [dims: readonly number[], perm: readonly number[]]> = [
	[
		[7, 9],
		[1, 0],
	],
	[
		[2, 5, 6],
		[0, 2, 1],
	],
	[
		[2, 3, 4, 5],
		[0, 2, 1, 3],
	],
	[
		[3, 1, 8, 2, 4],
		[4, 2, 0, 1, 3],
	],
	[
		[0, 3],
		[1, 0],
	],
];
const types: readonly DType[] = ['float32', 'uint8', 'int16', 'int64'];

for (const [dims, perm] of shapes) {
	for (const dtype of types) {
		test(`the kernel transposes ${dtype} [${dims.join(', ')}] to ${perm.join(' ')}`, t => {
			const count = dims.reduce((a, b) => a * b, 1);
			const arrays = {float32: Float32Array, uint8: Uint8Array, int16: Int16Array};
			const x: Tensor = dtype === 'int64' ? int64(dims, numbers(count)) : {dtype, dims, data: arrays[dtype as keyof typeof arrays].from(numbers(count))};
			const node = makeNode('Transpose', [x], {perm});
			const [expected] = evaluateNode(opOf('Transpose'), node, [x]);
			t.deepEqual(
				expected!.dims,
				perm.map(axis => dims[axis]!),
			);
			t.is(difference(lowerNode(opOf('Transpose'), node, [x])[0], expected!), undefined);
		});
	}
}

test('an index out of range ends the run', t => {
	const indices: Tensor = {dtype: 'int32', dims: [2], data: Int32Array.of(0, 3)};
	const inputs = [float32([3, 2], numbers(6)), indices];
	const node = makeNode('Gather', inputs);
	const gather = opOf('Gather');
	t.throws(() => evaluateNode(gather, node, inputs), {message: /an index is out of range: expected -3 to 2, found 3/});
	const unknown: Op = {...gather, infer: () => [{dtype: 'float32', shape: [2, 2]}]};
	t.throws(() => lowerNode(unknown, node, inputs), {instanceOf: WebAssembly.RuntimeError});
});

test('spellings of old opsets become inputs', t => {
	const constants: Tensor[] = [];
	const upgrade = (op: string, opset: number, inputs: readonly string[], attributes: Attributes): Node =>
		opOf(op).upgrade!({
			node: {op, name: 'node', inputs, outputs: ['y'], attributes},
			opset,
			addConstant: tensor => `c${constants.push(tensor) - 1}`,
			fail: problem => {
				throw new Error(problem);
			},
		});
	t.like(upgrade('Squeeze', 11, ['x'], {axes: [0]}), {inputs: ['x', 'c0'], attributes: {}});
	t.like(upgrade('Slice', 9, ['x'], {starts: [0], ends: [2]}), {inputs: ['x', 'c1', 'c2'], attributes: {}});
	t.like(upgrade('Split', 12, ['x'], {axis: 1, split: [1, 2]}), {inputs: ['x', 'c3'], attributes: {axis: 1}});
	t.like(upgrade('Pad', 10, ['x'], {mode: 'edge', pads: [1, 1], value: 2}), {inputs: ['x', 'c4'], attributes: {mode: 'edge', value: 2}});
	t.like(upgrade('TopK', 9, ['x'], {k: 3}), {inputs: ['x', 'c5']});
	t.like(upgrade('Upsample', 7, ['x'], {mode: 'linear', scales: [1, 2]}), {
		op: 'Resize',
		inputs: ['x', '', 'c6'],
		attributes: {mode: 'linear', coordinate_transformation_mode: 'asymmetric'},
	});
	t.like(upgrade('Resize', 10, ['x', 's'], {}), {op: 'Resize', inputs: ['x', '', 's'], attributes: {nearest_mode: 'floor'}});
	t.like(upgrade('Scatter', 9, ['x', 'i', 'u'], {axis: 1}), {op: 'ScatterElements'});
	t.like(upgrade('Squeeze', 13, ['x', 'a'], {}), {inputs: ['x', 'a']});
	t.deepEqual(
		constants.map(({data: values}) => Array.from(values as ArrayLike<number | bigint>, Number)),
		[[0], [0], [2], [1, 2], [1, 1], [3], [1, 2]],
	);
});
