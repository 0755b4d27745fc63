/** Vector codes: how near they come to normal numbers, and what column feedback does to them. */
import test from 'ava';
import {codecs} from '../../compiler/codecs/index.js';
import {ENTRIES, normalEntries, VECTOR} from '../../compiler/codecs/codebook.js';
import {measure, squares} from '../../compiler/codecs/measure.js';
import {createFeedback} from '../../compiler/calibrate/factor.js';
import {float16ToFloat32} from '../../compiler/graph/half.js';
import {correlated, normal, trainedWeight, weightOf} from './harness.js';

const vptq = codecs.get('vptq')!;
const [parameters] = vptq.options({rows: 16, columns: 64}) as [Record<string, number>];

test('the codebook of normal numbers is the same each time, and its error is what is known of 256 vectors of four', t => {
	const entries = normalEntries();
	t.is(normalEntries(), entries);
	t.is(entries.length, VECTOR * ENTRIES);
	const shape = {rows: 64, columns: 512};
	const values = normal(shape.rows * shape.columns, 5);
	// Four levels of one number each leave 0.1175 of the variance, the bound of any code at 2 bits is 0.0625.
	const error = measure(vptq, parameters, weightOf(values, shape), {sampleRows: 64}) / squares(values);
	t.true(error > 0.075 && error < 0.105, `${error}`);
});

test('two bits of vectors lose less than two bits of integers in any groups', t => {
	const shape = {rows: 64, columns: 512};
	const weight = trainedWeight(shape, 3);
	const error = measure(vptq, parameters, weight, {sampleRows: 64});
	for (const group of [64, 128, 512]) {
		t.true(error < measure(codecs.get('planes')!, {bits: 2, group}, weight, {sampleRows: 64}), `groups of ${group}`);
	}
});

test('the error of outputs falls by a quarter and more with feedback, and a codebook that follows it', t => {
	const shape = {rows: 256, columns: 160};
	const weight = trainedWeight(shape, 7);
	const gram = correlated(shape.columns, 9);
	const fed = {...weight, feedback: createFeedback({gram, sampleSize: Infinity}, shape.columns)};
	const [before, after] = [weight, fed].map(each => measure(vptq, parameters, each, {sampleRows: shape.rows, gram}));
	t.true(after! < 0.75 * before!, `${after} of ${before}`);
});

test('rows of any size are encoded, and others than finite numbers are refused', t => {
	for (const size of [1e-9, 1e-4, 1, 3e4]) {
		const shape = {rows: 20, columns: 64};
		const values = normal(shape.rows * shape.columns, 5, size);
		const decoded = vptq.decode(vptq.encode(weightOf(values, shape), parameters), shape, parameters, 0, shape.rows);
		const error = squares(decoded.map((value, index) => value - values[index]!)) / squares(values);
		// Below the smallest scale nothing is left.
		t.true(size < 1e-6 ? error <= 1.01 : error < 0.2, `${size}: ${error}`);
	}

	for (const value of [Number.NaN, Infinity]) {
		const values = normal(16 * 64, 5);
		values[100] = value;
		t.throws(() => vptq.encode(weightOf(values, {rows: 16, columns: 64}), parameters), {message: /^weight 'w': .*finite numbers/});
	}
});

test('every vector is the entry nearest to what the columns before it leave, by the published recursion', t => {
	const shape = {rows: 32, columns: 96};
	const weight = trainedWeight(shape, 3);
	const feedback = createFeedback({gram: correlated(shape.columns, 4), sampleSize: Infinity}, shape.columns, 0);
	const [codes, scales, entries] = vptq.encode({...weight, feedback}, parameters) as [Uint8Array, Uint8Array, Uint8Array];
	const bytes = new Int8Array(entries.buffer);
	const halfs = new Uint16Array(scales.buffer);
	const w = Float64Array.from(weight.read(0, shape.rows));
	const {order, factor: u} = feedback.byEnergy;
	let off = 0;
	for (let first = 0; first < shape.rows; first += VECTOR) {
		const scale = Array.from({length: VECTOR}, (_, i) => float16ToFloat32(halfs[first + i]!) / 128);
		for (const [step, column] of order.entries()) {
			const at = (i: number, later = column): number => (first + i) * shape.columns + later;
			const distance = (k: number): number => scale.reduce((sum, s, i) => sum + (w[at(i)]! / s - bytes[VECTOR * k + i]!) ** 2, 0);
			const code = codes[4 * ((first >> 4) * shape.columns + column) + ((first >> 2) & 3)]!;
			const least = Math.min(...Array.from({length: ENTRIES}, (_, k) => distance(k)));
			off += distance(code) > least * 1.001 + 1e-3 ? 1 : 0;
			for (let i = 0; i < VECTOR; i++) {
				const error = (w[at(i)]! - scale[i]! * bytes[VECTOR * code + i]!) / u[step * shape.columns + step]!;
				for (let later = step + 1; later < shape.columns; later++) {
					w[at(i, order[later])]! -= error * u[step * shape.columns + later]!;
				}
			}
		}
	}

	t.is(off, 0);
});
