/** Residual blocks: what a block is, that first blocks are a code, and that large inputs count more. */
import test from 'ava';
import {createFeedback} from '../../compiler/calibrate/factor.js';
import {bitstack} from '../../compiler/codecs/bitstack.js';
import {measure, squares} from '../../compiler/codecs/measure.js';
import {dualOf, orthonormalise} from '../../compiler/numeric/orthonormal.js';
import {normal, random, trainedWeight, weightOf} from './harness.js';

const shape = {rows: 96, columns: 200};

/** Σ of squares that the best product of rank one leaves of a matrix, by the power method. */
function leftByRankOne(matrix: Float32Array, columns: number): number {
	const rows = matrix.length / columns;
	let v = new Float64Array(columns).fill(1);
	let u = new Float64Array(rows);
	for (let step = 0; step < 50; step++) {
		const size = Math.hypot(...v);
		v = v.map(value => value / size);
		u = u.map((_, row) => v.reduce((sum, value, column) => sum + value * matrix[row * columns + column]!, 0));
		v = v.map((_, column) => u.reduce((sum, value, row) => sum + value * matrix[row * columns + column]!, 0));
	}

	// After the last step v is uᵀ |R|, so |R|² less the square of the largest singular value, |v| / |u|.
	return squares(matrix) - (Math.hypot(...v) / Math.hypot(...u)) ** 2;
}

test('a block of rank one leaves what the best product for the magnitudes leaves', t => {
	let weight = trainedWeight(shape, 3);
	for (let block = 0; block < 3; block++) {
		const values = weight.read(0, shape.rows);
		const parts = bitstack.encode(weight, {bits: 1, rank: 1});
		const decoded = bitstack.decode(parts, shape, {bits: 1, rank: 1}, 0, shape.rows);
		const rest = values.map((value, at) => value - decoded[at]!);
		const expected = leftByRankOne(values.map(Math.abs), shape.columns);
		t.true(Math.abs(squares(rest) - expected) < 0.002 * expected, `block ${block}: ${squares(rest)} against ${expected}`);
		t.true(values.every((value, at) => value === 0 || Math.sign(value) === Math.sign(decoded[at]!)));
		weight = weightOf(rest, shape);
	}
});

test('the first blocks of a code are the code of fewer blocks, and each block takes error away', t => {
	const weight = trainedWeight(shape, 5);
	for (const rank of [1, 4, 16]) {
		const all = bitstack.encode(weight, {bits: 6, rank});
		let last = squares(weight.read(0, shape.rows));
		for (let bits = 1; bits <= 6; bits++) {
			t.deepEqual(bitstack.encode(weight, {bits, rank}), all.slice(0, 3 * bits));
			const error = measure(bitstack, {bits, rank}, weight, {sampleRows: shape.rows});
			t.true(error < 0.9 * last, `rank ${rank}, block ${bits}: ${error} after ${last}`);
			last = error;
		}
	}
});

test('normal numbers lose what their magnitudes vary, and less with more ranks', t => {
	const next = random(7);
	const values = Float32Array.from({length: 512 * 512}, () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()));
	const weight = weightOf(values, {rows: 512, columns: 512});
	const errors = [1, 4, 16].map(rank => measure(bitstack, {bits: 1, rank}, weight, {sampleRows: 512}) / squares(values));
	// 1 - 2/π of the variance is left of a number whose magnitude is replaced by its mean; rows and columns that differ by chance tell a little.
	t.true(errors[0]! < 1 - 2 / Math.PI && errors[0]! > 0.97 * (1 - 2 / Math.PI), `${errors[0]}`);
	t.true(errors[1]! < errors[0]! && errors[2]! < errors[1]!);
});

test('columns whose inputs are large lose less when inputs are known, and outputs with them', t => {
	const weight = trainedWeight(shape, 9);
	const gram = new Float32Array(shape.columns ** 2);
	for (let column = 0; column < shape.columns; column++) {
		gram[column * shape.columns + column] = column % 10 === 0 ? 400 : 1;
	}

	const known = {...weight, feedback: createFeedback({gram, sampleSize: Infinity}, shape.columns)};
	for (const rank of [1, 4]) {
		const [blind, aware] = [weight, known].map(each => measure(bitstack, {bits: 3, rank}, each, {sampleRows: shape.rows, gram}));
		t.true(aware! < 0.8 * blind!, `rank ${rank}: ${aware} of ${blind}`);
	}
});

test('what is measured on a sample of a tall weight is what the whole loses', t => {
	// More rows than factors are fitted on, and than are measured.
	const tall = {rows: 6000, columns: 256};
	const weight = trainedWeight(tall, 11);
	const values = weight.read(0, tall.rows);
	for (const rank of [1, 4, 16]) {
		const parameters = {bits: 3, rank};
		const decoded = bitstack.decode(bitstack.encode(weight, parameters), tall, parameters, 0, tall.rows);
		const real = squares(values.map((value, at) => value - decoded[at]!));
		const estimate = measure(bitstack, parameters, weight, {sampleRows: bitstack.sampleRows!});
		const ratio = real / estimate;
		t.log(`rank ${rank}: ${ratio.toFixed(3)}`);
		t.true(ratio > 0.95 && ratio < 1.25, `rank ${rank}: ${ratio}`);
	}
});

test('vectors are made orthonormal, and their duals give back coefficients', t => {
	const [count, length] = [5, 40];
	const vectors = normal(count * length, 13);
	// One that depends on others becomes nothing.
	vectors.set(
		vectors.subarray(0, length).map((value, at) => value + vectors[length + at]!),
		3 * length,
	);
	const original = vectors.slice();
	orthonormalise(vectors, count);
	const product = (a: Float32Array, i: number, b: Float32Array, j: number): number => {
		let sum = 0;
		for (let at = 0; at < length; at++) {
			sum += a[i * length + at]! * b[j * length + at]!;
		}

		return sum;
	};

	for (let i = 0; i < count; i++) {
		for (let j = 0; j < count; j++) {
			t.true(Math.abs(product(vectors, i, vectors, j) - (i === j && i !== 3 ? 1 : 0)) < 1e-5, `${i}, ${j}`);
		}
	}

	const independent = original.slice(0, 3 * length);
	const dual = dualOf(independent, 3);
	for (let i = 0; i < 3; i++) {
		for (let j = 0; j < 3; j++) {
			t.true(Math.abs(product(dual, i, independent, j) - (i === j ? 1 : 0)) < 1e-5, `${i}, ${j}`);
		}
	}
});
