/** Trellis codes: how near they come to what any code can do, whether the search finds the best path, and what column feedback does to them. */
import test from 'ava';
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

for (const [bits, most, integers] of [
	[2, 0.088, {codec: 'planes', bits: 2}],
	[3, 0.024, {codec: 'planes', bits: 3}],
	[4, 0.0065, {codec: 'scalar', bits: 4}],
] as const) {
	test(`${bits} bits a weight come within 1.7 dB of what no code of normal numbers can do better, integers do not`, t => {
		const shape = {rows: 512, columns: 128};
		const values = gaussian(shape.rows * shape.columns, bits);
		const lossOf = (codec: string, parameters: Record<string, number>): number =>
			measure(codecs.get(codec)!, parameters, weightOf(values, shape), {sampleRows: shape.rows}) / squares(values);
		const error = lossOf('trellis', {bits});
		t.true(error < most && error > 4 ** -bits, `${error}`);
		const other = lossOf(integers.codec, {bits: integers.bits, group: 128});
		t.true(other > 1.25 * error, `${other} against ${error}`);
	});

	test(`the search for ${bits} bits finds the path of least error, but for rounding`, t => {
		const shape = {rows: 48, columns: 1};
		const weight = weightOf(normal(shape.rows, 10 + bits), shape);
		const parts = trellis.encode(weight, {bits});
		const values = Float64Array.from({length: STATES}, (_, state) => valueOf(state, bits));
		const scales = Array.from({length: shape.rows}, (_, row) => float16ToFloat32(parts[1]![row]! << 7) / 128);
		const found = trellis.decode(parts, shape, {bits}, 0, shape.rows);
		const wanted = weight.read(0, shape.rows);
		const error = wanted.reduce((sum, value, row) => sum + (value - found[row]!) ** 2, 0);
		const best = leastError([...wanted], scales, values, bits);
		t.true(error >= best * (1 - 1e-9), `${error} is less than the least, ${best}`);
		t.true(error < best * 1.03, `${error} against ${best}`);
	});
}

/** What a state stands for, as the layout says it. */
function valueOf(state: number, bits: number): number {
	const multiplier = {2: 3085, 3: 2329, 4: 1983}[bits]! * 16;
	const hash = (state * multiplier) & 0xff_ff;
	const signed = (byte: number): number => (byte > 127 ? byte - 256 : byte);
	return signed(hash >> 8) + signed(hash & 255);
}

/** Over all paths from the lead, each row weighed as its error counts: the recursion as it is written in books, in f64. */
function leastError(wanted: readonly number[], scales: readonly number[], values: Float64Array, bits: number): number {
	let costs = new Float64Array(STATES).fill(Infinity);
	costs[{2: 426, 3: 87, 4: 21}[bits]!] = 0;
	for (const [row, want] of wanted.entries()) {
		const next = new Float64Array(STATES).fill(Infinity);
		for (let state = 0; state < STATES; state++) {
			for (let step = 0; step < 1 << bits; step++) {
				const to = ((state << bits) | step) & MASK;
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
	const fed = {...weight, feedback: createFeedback({gram, tokens: Infinity}, shape.columns)};
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
