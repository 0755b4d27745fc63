/** Products of the same vectors are found, and only those. */
import test from 'ava';
import {findSameInputs} from '../../compiler/calibrate/same-inputs.js';
import type {Argument, KernelCall} from '../../compiler/plan/program.js';

const buffer = (name: string, offset = 0): Argument => ({kind: 'buffer', buffer: name, offset});
const number = (value: number): Argument => ({kind: 'number', value});

const product = (weight: string, x: Argument, y: string): KernelCall => ({
	kernel: 'tile_dense_f32',
	node: weight,
	arguments: {
		y: buffer(y),
		x,
		parts: {kind: 'parts', weight, term: 0},
		bias: number(0),
		scratch: number(0),
		tokens: number(4),
		rows: number(8),
		columns: number(8),
	},
});

const add = (y: string, a: string, b: string): KernelCall => {
	const numbers: Argument = {kind: 'numbers', values: [8]};
	return {
		kernel: 'binary_add_f32',
		node: y,
		arguments: {y: buffer(y), a: buffer(a), b: buffer(b), rank: number(1), dims: numbers, strides_a: numbers, strides_b: numbers},
	};
};

test('the first weight that reads a value stands for those that read it later', t => {
	const leaderOf = findSameInputs(
		[product('q', buffer('x'), 'a'), product('k', buffer('x'), 'b'), add('c', 'a', 'b'), product('v', buffer('x'), 'd'), product('o', buffer('c'), 'e')],
		[],
	);
	t.deepEqual(['q', 'k', 'v', 'o', 'another'].map(leaderOf), ['q', 'q', 'q', 'o', 'another']);
});

test('a value that was written over between two products is another one, and so is one elsewhere in the buffer', t => {
	const leaderOf = findSameInputs([product('a', buffer('x'), 'y'), add('x', 'x', 'y'), product('b', buffer('x'), 'z'), product('c', buffer('x', 64), 'w')], []);
	t.deepEqual(['a', 'b', 'c'].map(leaderOf), ['a', 'b', 'c']);
});

test('a weight that is used twice has inputs of its own', t => {
	const leaderOf = findSameInputs([product('a', buffer('x'), 'y'), product('shared', buffer('x'), 'z'), product('shared', buffer('z'), 'w')], []);
	t.deepEqual(['a', 'shared'].map(leaderOf), ['a', 'shared']);
	const elsewhere = findSameInputs([product('a', buffer('x'), 'y'), product('b', buffer('x'), 'z')], [product('a', buffer('h'), 'w')]);
	t.deepEqual(['a', 'b'].map(elsewhere), ['a', 'b']);
});
