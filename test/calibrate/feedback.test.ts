/** The factor of column feedback, and codes that make up for their errors, against plain arithmetic in f64. */
import test from 'ava';
import {createFeedback, feedbackFactor} from '../../compiler/calibrate/factor.js';
import type {Codec, Parameters, Weight} from '../../compiler/codecs/codec.js';
import {measure, quadratic} from '../../compiler/codecs/measure.js';
import {planes} from '../../compiler/codecs/planes.js';
import {scalar} from '../../compiler/codecs/scalar.js';
import {vptq} from '../../compiler/codecs/vptq.js';
import {normal, trainedWeight} from '../codecs/harness.js';

/** The Gram matrix of inputs whose elements depend on each other, some of them much larger than others. */
function correlated(columns: number, seed: number): Float32Array {
	const tokens = 4 * columns;
	const x = normal(tokens * columns, seed);
	for (let token = 0; token < tokens; token++) {
		for (let c = 1; c < columns; c++) {
			x[token * columns + c] = 0.7 * x[token * columns + c - 1]! + x[token * columns + c]! * (c % 13 === 0 ? 5 : 0.5);
		}
	}

	const gram = new Float32Array(columns * columns);
	for (let i = 0; i < columns; i++) {
		for (let j = 0; j < columns; j++) {
			let sum = 0;
			for (let token = 0; token < tokens; token++) {
				sum += x[token * columns + i]! * x[token * columns + j]!;
			}

			gram[i * columns + j] = sum / tokens;
		}
	}

	return gram;
}

const identity = (columns: number): Float32Array => Float32Array.from({length: columns * columns}, (_, index) => Number(index % (columns + 1) === 0));

/** @param sweeps Of descent behind the feedback. */
const withFeedback = (weight: Weight, gram: Float32Array, sweeps?: number): Weight => ({
	...weight,
	feedback: createFeedback({gram, sampleSize: Infinity}, weight.columns, sweeps),
});

const codes: ReadonlyArray<readonly [Codec, Parameters]> = [
	...[2, 3].flatMap(bits => [32, 64].map(group => [planes, {bits, group}] as const)),
	...[4, 5, 8].map(bits => [scalar, {bits, group: 64}] as const),
	[planes, {bits: 3, group: 192}],
	[scalar, {bits: 4, group: 192}],
] as ReadonlyArray<readonly [Codec, Parameters]>;

test('the factor is upper triangular, and its square inverts the damped matrix', t => {
	// A small sample is damped more.
	for (const [n, sampleSize] of [...[1, 7, 64, 100, 127, 147, 221].map(size => [size, Infinity] as const), [64, 640] as const, [64, 32] as const]) {
		const gram = correlated(n, n);
		const u = feedbackFactor({gram, sampleSize}, n);
		const mean = Array.from({length: n}, (_, i) => gram[i * n + i]!).reduce((a, b) => a + b, 0) / n;
		// (Uᵀ U)(H + damping) = 1
		for (let i = 0; i < n; i++) {
			for (let j = 0; j < i; j++) {
				t.is(u[i * n + j], 0);
			}
		}

		const inverse = Array.from({length: n * n}, (_, index) => {
			const [i, j] = [Math.floor(index / n), index % n];
			return Array.from({length: Math.min(i, j) + 1}, (_, k) => u[k * n + i]! * u[k * n + j]!).reduce((a, b) => a + b, 0);
		});
		let worst = 0;
		for (let i = 0; i < n; i++) {
			for (let j = 0; j < n; j++) {
				let sum = 0;
				for (let k = 0; k < n; k++) {
					sum += inverse[i * n + k]! * (gram[k * n + j]! + (k === j ? (0.01 + n / (2 * sampleSize)) * mean : 0));
				}

				worst = Math.max(worst, Math.abs(sum - Number(i === j)));
			}
		}

		t.true(worst < 2e-3, `${n}, ${sampleSize}: ${worst}`);
	}
});

test('a matrix of less rank, or of zeros, is damped; NaN is refused', t => {
	const n = 24;
	const one = Float32Array.from({length: n * n}, () => 1);
	t.true(feedbackFactor({gram: one, sampleSize: Infinity}, n).every(Number.isFinite));
	t.true(feedbackFactor({gram: new Float32Array(n * n), sampleSize: Infinity}, n).every(Number.isFinite));
	t.throws(() => feedbackFactor({gram: one.map(() => Number.NaN), sampleSize: Infinity}, n), {message: /calibration.*NaN/});
});

test('independent inputs of one size change nothing', t => {
	for (const [codec, parameters] of codes) {
		const weight = trainedWeight({rows: 21, columns: 192}, 5);
		t.deepEqual(codec.encode(withFeedback(weight, identity(192)), parameters), codec.encode(weight, parameters), `${codec.id} ${JSON.stringify(parameters)}`);
	}
});

test('the error of outputs falls by a quarter and more, and the same weight gives the same bytes', t => {
	for (const [codec, parameters] of codes) {
		for (const shape of [
			{rows: 48, columns: 192},
			{rows: 17, columns: 100},
		].filter(({columns}) => Number(parameters['group']) <= columns)) {
			const weight = trainedWeight(shape, 7);
			const gram = correlated(shape.columns, 9);
			const fed = withFeedback(weight, gram);
			const sampleRows = shape.rows;
			const [before, after] = [weight, fed].map(each => measure(codec, parameters, each, {sampleRows, gram}));
			t.true(after! < 0.75 * before!, `${codec.id} ${JSON.stringify(parameters)} ${shape.rows}×${shape.columns}: ${after} of ${before}`);
			t.deepEqual(codec.encode(fed, parameters), codec.encode(fed, parameters));
		}
	}
});

test('every column is the nearest code to what the columns before it leave, by the published recursion', t => {
	for (const [codec, parameters] of codes) {
		const shape = {rows: 32, columns: 192};
		const weight = trainedWeight(shape, 3);
		const fed = withFeedback(weight, correlated(shape.columns, 4), 0);
		const decoded = codec.decode(codec.encode(fed, parameters), shape, parameters, 0, shape.rows);
		const group = Number(parameters['group']);
		const {order, factor: u} =
			group === shape.columns ? fed.feedback!.byEnergy : {order: Uint32Array.from({length: shape.columns}, (_, index) => index), factor: fed.feedback!.inOrder};
		const w = Float64Array.from(weight.read(0, shape.rows));
		let off = 0;
		for (let row = 0; row < shape.rows; row++) {
			const at = (column: number): number => row * shape.columns + column;
			for (const [step, column] of order.entries()) {
				const got = decoded[at(column)]!;
				// No other value that this row takes in the same group is nearer, but for ties.
				const first = column - (column % group);
				const nearest = Math.min(...Array.from(decoded.subarray(at(first), at(first + group)), value => Math.abs(value - w[at(column)]!)));
				off += Math.abs(got - w[at(column)]!) > nearest + 1e-4 ? 1 : 0;
				const error = (w[at(column)]! - got) / u[step * shape.columns + step]!;
				for (let later = step + 1; later < shape.columns; later++) {
					w[at(order[later]!)]! -= error * u[step * shape.columns + later]!;
				}
			}
		}

		t.is(off, 0, `${codec.id} ${JSON.stringify(parameters)}`);
	}
});

for (const [codec, parameters] of [...codes, [vptq, {bits: 2, vector: 4, entries: 256}]] as ReadonlyArray<readonly [Codec, Parameters]>) {
	test(`descent lowers the loss of ${codec.id} ${JSON.stringify(parameters)}, to where no code that changes alone would lower it`, t => {
		const shape = {rows: 48, columns: 192};
		const weight = trainedWeight(shape, 13);
		const gram = correlated(shape.columns, 6);
		const {gram: damped} = withFeedback(weight, gram).feedback!;
		const errorsOf = (sweeps: number): {readonly errors: Float32Array; readonly decoded: Float32Array} => {
			const decoded = codec.decode(codec.encode(withFeedback(weight, gram, sweeps), parameters), shape, parameters, 0, shape.rows);
			return {decoded, errors: weight.read(0, shape.rows).map((value, index) => value - decoded[index]!)};
		};

		const losses = [0, 1, 2, 40].map(sweeps => quadratic(errorsOf(sweeps).errors, damped, shape.columns));
		if (codec !== vptq) {
			t.true(
				losses.every((loss, index) => index === 0 || loss <= losses[index - 1]! * (1 + 1e-5)),
				losses.join(),
			);
		}

		t.true(losses[2]! < (Number(parameters['bits']) < 4 ? 0.98 : 0.995) * losses[0]!, losses.join());
		t.true(losses[3]! <= losses[2]! * 1.01, losses.join());
		if (codec === vptq) {
			return;
		}

		// Each row's values of a group are the codes that it could have taken there, or some of them.
		const {errors, decoded} = errorsOf(40);
		const group = Number(parameters['group']);
		let better = 0;
		for (let row = 0; row < shape.rows; row++) {
			const start = row * shape.columns;
			for (let column = 0; column < shape.columns; column++) {
				const slope = errors.subarray(start, start + shape.columns).reduce((sum, error, k) => sum + error * damped[column * shape.columns + k]!, 0);
				const first = column - (column % group);
				for (const value of new Set(decoded.subarray(start + first, start + first + group))) {
					const change = value - decoded[start + column]!;
					const gain = 2 * change * slope - change * change * damped[column * (shape.columns + 1)]!;
					better += gain > 1e-4 * losses[3]! ? 1 : 0;
				}
			}
		}

		t.is(better, 0);
	});
}

test('the loss of an error is its square under the Gram matrix', t => {
	const [rows, columns] = [5, 37];
	const d = normal(rows * columns, 21);
	const gram = correlated(columns, 22);
	let expected = 0;
	for (let row = 0; row < rows; row++) {
		for (let i = 0; i < columns; i++) {
			for (let j = 0; j < columns; j++) {
				expected += d[row * columns + i]! * gram[i * columns + j]! * d[row * columns + j]!;
			}
		}
	}

	t.true(Math.abs(quadratic(d, gram, columns) - expected) < 1e-4 * expected);
});
