/** Layout ops beyond the installed backend suite: results worked out by hand, met by `evaluate` and by the kernels. */
import test from 'ava';
import type {Attributes} from '../../compiler/graph/graph.js';
import {float32, int64, type Tensor} from '../../compiler/graph/tensor.js';
import {layoutOps} from '../../compiler/ops/layout/index.js';
import {difference} from '../helpers/compare.js';
import {evaluateNode, lowerNode, makeNode} from '../helpers/lower-node.js';

type Case = {
	readonly title: string;
	readonly op: string;
	readonly inputs: ReadonlyArray<Tensor | undefined>;
	readonly attributes?: Attributes;
	readonly expected: Tensor;
};

const row = (...values: readonly number[]): Tensor => float32([values.length], values);
const list = (...values: readonly number[]): Tensor => int64([values.length], values);

const cases: readonly Case[] = [
	{title: 'wrap padding repeats the axis', op: 'Pad', inputs: [row(1, 2, 3), list(2, 4)], attributes: {mode: 'wrap'}, expected: row(2, 3, 1, 2, 3, 1, 2, 3, 1)},
	{
		title: 'reflection goes back and forth',
		op: 'Pad',
		inputs: [row(1, 2, 3), list(3, 3)],
		attributes: {mode: 'reflect'},
		expected: row(2, 3, 2, 1, 2, 3, 2, 1, 2),
	},
	{title: 'negative pads cut', op: 'Pad', inputs: [row(1, 2, 3, 4), list(-1, 2), row(9)], expected: row(2, 3, 4, 9, 9)},
	{title: 'the constant of old opsets is an attribute', op: 'Pad', inputs: [row(1), list(1, 0)], attributes: {value: 2.5}, expected: row(2.5, 1)},
	{
		title: 'only the listed axes are padded',
		op: 'Pad',
		inputs: [float32([1, 2], [1, 2]), list(1, 0), undefined, list(-1)],
		expected: float32([1, 3], [0, 1, 2]),
	},
	{
		title: 'an axis is cut and another padded around the centre',
		op: 'CenterCropPad',
		inputs: [float32([2, 3], [1, 2, 3, 4, 5, 6]), list(4, 1)],
		expected: float32([4, 1], [0, 2, 5, 0]),
	},
	{
		title: 'overlapping blocks are summed',
		op: 'Col2Im',
		inputs: [float32([1, 4, 2], [1, 2, 3, 4, 5, 6, 7, 8]), list(2, 3), list(2, 2)],
		expected: float32([1, 1, 2, 3], [1, 2 + 3, 4, 5, 6 + 7, 8]),
	},
	{
		title: 'halving with antialiasing averages under a triangle',
		op: 'Resize',
		inputs: [row(0, 8, 0, 0), undefined, undefined, list(2)],
		attributes: {mode: 'linear', antialias: 1},
		// Weights of the four nearest are 1, 3, 3, 1 eighths; the edge repeats on the left.
		expected: row(3, 1),
	},
	{title: 'linear interpolation at half pixels', op: 'Resize', inputs: [row(0, 4), undefined, row(2)], attributes: {mode: 'linear'}, expected: row(0, 1, 3, 4)},
	{
		title: 'a crop reads the extrapolation value outside',
		op: 'Resize',
		inputs: [row(1, 2, 3), row(0, 2), undefined, list(3)],
		attributes: {mode: 'linear', coordinate_transformation_mode: 'tf_crop_and_resize', extrapolation_value: 7},
		expected: row(1, 3, 7),
	},
	{
		title: 'nearest keeps integers',
		op: 'Resize',
		inputs: [list(5, -6), undefined, row(1.5)],
		attributes: {nearest_mode: 'floor', coordinate_transformation_mode: 'asymmetric'},
		expected: list(5, 5, -6),
	},
	{
		title: 'the aspect ratio is kept within the sizes',
		op: 'Resize',
		inputs: [float32([2, 4], [1, 2, 3, 4, 5, 6, 7, 8]), undefined, undefined, list(1, 1)],
		attributes: {keep_aspect_ratio_policy: 'not_smaller', nearest_mode: 'floor', coordinate_transformation_mode: 'asymmetric'},
		expected: float32([1, 2], [1, 3]),
	},
	{
		title: 'the largest of duplicates stays',
		op: 'ScatterElements',
		inputs: [row(1, 2, 3), list(1, 1, -1), row(5, 4, 0)],
		attributes: {reduction: 'max'},
		expected: row(1, 5, 3),
	},
	{
		title: 'integers are added at tuples',
		op: 'ScatterND',
		inputs: [list(1, 2, 3), int64([2, 1], [2, 2]), list(10, 20)],
		attributes: {reduction: 'add'},
		expected: list(1, 2, 33),
	},
	{title: 'of equal elements the earlier one comes first', op: 'TopK', inputs: [row(2, 3, 1, 3, 3), list(4)], expected: row(3, 3, 3, 2)},
	{
		title: 'depth first',
		op: 'DepthToSpace',
		inputs: [float32([1, 4, 1, 1], [1, 2, 3, 4])],
		attributes: {blocksize: 2, mode: 'CRD'},
		expected: float32([1, 1, 2, 2], [1, 2, 3, 4]),
	},
	{
		title: 'a condition keeps columns',
		op: 'Compress',
		inputs: [float32([2, 3], [1, 2, 3, 4, 5, 6]), {dtype: 'bool', dims: [3], data: Uint8Array.of(1, 0, 1)}],
		attributes: {axis: -1},
		expected: float32([2, 2], [1, 3, 4, 6]),
	},
];

for (const {title, op: name, inputs, attributes = {}, expected} of cases) {
	test(`${name}: ${title}`, t => {
		const op = layoutOps.find(candidate => candidate.name === name)!;
		const node = makeNode(name, inputs, attributes);
		t.is(difference(evaluateNode(op, node, inputs)[0], expected), undefined, 'evaluate');
		t.is(difference(lowerNode(op, node, inputs)[0], expected), undefined, 'kernels');
	});
}

test('TopK: the indices of the best are sorted with them', t => {
	const inputs = [float32([5, 2], [1, 9, 4, 9, 3, 0, 4, 7, 5, 8]), list(3)];
	const op = layoutOps.find(({name}) => name === 'TopK')!;
	const node = makeNode('TopK', inputs, {axis: 0}, 2);
	const expected = int64([3, 2], [4, 0, 1, 1, 3, 4]);
	t.is(difference(evaluateNode(op, node, inputs)[1], expected), undefined);
	t.is(difference(lowerNode(op, node, inputs)[1], expected), undefined);
});
