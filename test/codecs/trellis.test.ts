/** Trellis codes: how near they come to what any code can do, whether the search finds the best path, and what column feedback does to them. */
import test from 'ava';
import type {Parameters} from '../../compiler/codecs/codec.js';
import {codecs} from '../../compiler/codecs/index.js';
import {measure, squares} from '../../compiler/codecs/measure.js';
import {createFeedback} from '../../compiler/calibrate/factor.js';
import {float16ToFloat32} from '../../compiler/graph/half.js';
import {correlated, normal, random, trainedWeight, weightOf} from './harness.js';

const trellis = codecs.get('trellis')!;
/** Normal numbers to their tails (Box and Muller 1958). */
function gaussian(length: number, seed: number): Float32Array {
	const next = random(seed);
	return Float32Array.from({length}, () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()));
}

const [STATES, MASK] = [4096, 4095];

for (const [bits, most] of [
	[1.5, 0.155],
	[2, 0.088],
	[2.5, 0.044],
	[3, 0.024],
	[3.5, 0.0122],
	[4, 0.0065],
	[4.5, 0.0037],
] as const) {
	test(`${bits} bits a weight lose at most ${most} of the energy of normal numbers, of which no code loses less than ${(4 ** -bits).toFixed(4)}`, t => {
		const shape = {rows: 512, columns: 128};
		const values = gaussian(shape.rows * shape.columns, bits);
		const error = measure(trellis, {bits}, weightOf(values, shape), {sampleRows: shape.rows}) / squares(values);
		t.log(-10 * Math.log10(error));
		t.true(error < most && error > 4 ** -bits, `${error}`);
	});

	test(`the search for ${bits} bits finds the path of least error, but for rounding`, t => {
		const shape = {rows: 48, columns: 8};
		const weight = weightOf(normal(shape.rows * shape.columns, 10 + bits), shape);
		const parts = trellis.encode(weight, {bits});
		const values = Float64Array.from({length: STATES}, (_, state) => valueOf(state, bits));
		const scales = Array.from({length: shape.rows}, (_, row) => float16ToFloat32(parts[1]![row]! << 7) / 128);
		const found = trellis.decode(parts, shape, {bits}, 0, shape.rows);
		const wanted = weight.read(0, shape.rows);
		const error = wanted.reduce((sum, value, at) => sum + (value - found[at]!) ** 2, 0);
		let best = 0;
		for (let column = 0; column < shape.columns; column++) {
			best += leastError(
				wanted.filter((_, at) => at % shape.columns === column),
				scales,
				values,
				bits,
			);
		}

		t.true(error >= best * (1 - 1e-9), `${error} is less than the least, ${best}`);
		t.true(error < best * 1.03, `${error} against ${best}`);
	});
}

for (const [bits, codec, integerBits] of [
	[2, 'planes', 2],
	[3, 'planes', 3],
	[4, 'scalar', 4],
] as const) {
	test(`integers of ${bits} bits lose a quarter more and above`, t => {
		const shape = {rows: 512, columns: 128};
		const weight = weightOf(gaussian(shape.rows * shape.columns, bits), shape);
		const [own, other] = [
			{codec: 'trellis', parameters: {bits}},
			{codec, parameters: {bits: integerBits, group: 128}},
		].map(choice => measure(codecs.get(choice.codec)!, choice.parameters, weight, {sampleRows: shape.rows}));
		t.true(other! > 1.25 * own!, `${other} against ${own}`);
	});
}

/** What a state stands for, as the layout says it. */
function valueOf(state: number, bits: number): number {
	const multiplier = {1.5: 3085, 2: 3085, 2.5: 3085, 3: 2329, 3.5: 2329, 4: 1983, 4.5: 3085}[bits]! * 16;
	const hash = (state * multiplier) & 0xff_ff;
	const signed = (byte: number): number => (byte > 127 ? byte - 256 : byte);
	return signed(hash >> 8) + signed(hash & 255);
}

/** Over all paths from the lead, each row weighed as its error counts: the recursion as it is written in books, in f64. */
function leastError(wanted: Float32Array, scales: readonly number[], values: Float64Array, bits: number): number {
	let costs = new Float64Array(STATES).fill(Infinity);
	costs[{1.5: 637, 2: 426, 2.5: 668, 3: 87, 3.5: 509, 4: 21, 4.5: 189}[bits]!] = 0;
	for (const [row, want] of wanted.entries()) {
		const next = new Float64Array(STATES).fill(Infinity);
		const own = row % 2 === 0 ? Math.floor(bits) : Math.ceil(bits);
		for (let state = 0; state < STATES; state++) {
			for (let step = 0; step < 1 << own; step++) {
				const to = ((state << own) | step) & MASK;
				next[to] = Math.min(next[to]!, costs[state]! + (want - scales[row]! * values[to]!) ** 2);
			}
		}

		costs = next;
	}

	return Math.min(...costs);
}

test('rows of different size share bits: the error of a large row is no larger, for its size, than that of a small one', t => {
	const shape = {rows: 512, columns: 64};
	const values = normal(shape.rows * shape.columns, 3);
	const sizeOf = (row: number): number => (row % 2 ? 2 : 1);
	const weight = weightOf(
		values.map((value, index) => value * sizeOf(Math.floor(index / shape.columns))),
		shape,
	);
	const wanted = weight.read(0, shape.rows);
	const got = trellis.decode(trellis.encode(weight, {bits: 3}), shape, {bits: 3}, 0, shape.rows);
	const errors = [0, 0];
	for (const [index, value] of wanted.entries()) {
		const row = Math.floor(index / shape.columns);
		errors[row % 2]! += ((value - got[index]!) / sizeOf(row)) ** 2;
	}

	t.true(errors[1]! < 0.7 * errors[0]!, errors.join(' and '));
});

test('the error of outputs falls by a fifth and more with feedback', t => {
	const shape = {rows: 256, columns: 160};
	const weight = trainedWeight(shape, 7);
	const gram = correlated(shape.columns, 9);
	const fed = {...weight, feedback: createFeedback({gram, sampleSize: Infinity}, shape.columns)};
	const [before, after] = [weight, fed].map(each => measure(trellis, {bits: 3}, each, {sampleRows: shape.rows, gram}));
	t.true(after! < 0.8 * before!, `${after} of ${before}`);
});

test('a row of nothing stays near nothing', t => {
	const shape = {rows: 32, columns: 64};
	const values = normal(shape.rows * shape.columns, 1);
	values.fill(0, 5 * 64, 6 * 64);
	const got = trellis.decode(trellis.encode(weightOf(values, shape), {bits: 2}), shape, {bits: 2}, 5, 1);
	t.true(got.every(value => Math.abs(value) < 0.001));
});

test('errors of codes in between follow from those of their neighbours, with feedback and without', t => {
	const shape = {rows: 128, columns: 160};
	const gram = correlated(shape.columns, 9);
	const plain = trainedWeight(shape, 7);
	const fed = {...plain, feedback: createFeedback({gram, sampleSize: Infinity}, shape.columns)};
	for (const [weight, options] of [
		[plain, {}],
		[fed, {gram}],
	] as const) {
		const errorOf = (parameters: Parameters): number => measure(trellis, parameters, weight, {sampleRows: shape.rows, ...options});
		for (const bits of [2.5, 3.5]) {
			const [below, above] = trellis.errorBetween!({bits})!.map(errorOf) as [number, number];
			const ratio = Math.sqrt(below * above) / errorOf({bits});
			t.log(`${bits} bits: ${ratio.toFixed(3)}`);
			t.true(ratio > 0.93 && ratio < 1.07, `${bits} bits: ${ratio}`);
		}
	}
});
