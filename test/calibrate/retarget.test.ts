/** What a weight aims at behind encoded ones: all that both halves of a text ask for, and nothing that they contradict each other in. */
import test from 'ava';
import {createFeedback} from '../../compiler/calibrate/factor.js';
import {BLOCK_FLOAT, FLOAT} from '../../compiler/calibrate/arithmetic.js';
import {createRetarget} from '../../compiler/calibrate/retarget.js';
import type {Weight} from '../../compiler/codecs/codec.js';
import {randomNumbers} from '../helpers/random.js';

const [ROWS, COLUMNS, TOKENS] = [24, 12, 400];

const exact = Float32Array.from(randomNumbers(ROWS * COLUMNS, 1, 1));
const weight: Weight = {name: 'w', rows: ROWS, columns: COLUMNS, read: (first, count) => exact.subarray(first * COLUMNS, (first + count) * COLUMNS)};
const inputs = randomNumbers(TOKENS * COLUMNS, 2, 1);
/** The inputs of the f32 model are those of the encoded one, turned a little: (1 + T) x. */
const turn = randomNumbers(COLUMNS * COLUMNS, 3, 0.1);

const gram = new Float32Array(COLUMNS * COLUMNS);
for (let token = 0; token < TOKENS; token++) {
	for (let i = 0; i < COLUMNS; i++) {
		for (let j = 0; j < COLUMNS; j++) {
			gram[i * COLUMNS + j]! += (inputs[token * COLUMNS + i]! * inputs[token * COLUMNS + j]!) / TOKENS;
		}
	}
}

/** The transpose of T H, times `sign`. */
const mismatchOf = (sign: number): Float32Array =>
	Float32Array.from({length: COLUMNS * COLUMNS}, (_, index) => {
		const [j, i] = [Math.floor(index / COLUMNS), index % COLUMNS];
		let sum = 0;
		for (let k = 0; k < COLUMNS; k++) {
			sum += turn[i * COLUMNS + k]! * gram[k * COLUMNS + j]!;
		}

		return sign * sum;
	});

const {byEnergy} = createFeedback({gram, sampleSize: 1e9}, COLUMNS);

/** The largest difference from W (1 + part T). */
function distance(target: Weight, part: number): number {
	const values = target.read(0, ROWS);
	let largest = 0;
	for (const [index, value] of exact.entries()) {
		const [row, column] = [Math.floor(index / COLUMNS), index % COLUMNS];
		let change = 0;
		for (let k = 0; k < COLUMNS; k++) {
			change += exact[row * COLUMNS + k]! * turn[k * COLUMNS + column]!;
		}

		largest = Math.max(largest, Math.abs(values[index]! - value - part * change));
	}

	return largest;
}

for (const [title, arithmetic] of [
	['in f32', FLOAT],
	['in block floating point', BLOCK_FLOAT],
] as const) {
	test(`what both halves ask for is done whole, ${title}`, t => {
		const half = {mismatch: mismatchOf(1), tokens: TOKENS / 2};
		// But for the damping, a hundredth of the mean energy.
		t.true(distance(createRetarget([half, half], byEnergy, arithmetic)(weight), 1) < 0.02);
		t.true(distance(weight, 1) > 0.3);
	});

	test(`what one half asks for and the other against is left, ${title}`, t => {
		const [first, second] = [1, -1].map(sign => ({mismatch: mismatchOf(sign), tokens: TOKENS / 2})) as [
			{mismatch: Float32Array; tokens: number},
			{mismatch: Float32Array; tokens: number},
		];
		t.is(distance(createRetarget([first, second], byEnergy, arithmetic)(weight), 0), 0);
		// Of halves of other lengths there is a mean, which they do not agree in.
		t.is(distance(createRetarget([{...first, tokens: TOKENS}, second], byEnergy, arithmetic)(weight), 0), 0);
	});

	test(`what both ask for in part is done in part, and a single window is followed, ${title}`, t => {
		const [whole, nothing] = [
			{mismatch: mismatchOf(1), tokens: TOKENS / 2},
			{mismatch: mismatchOf(0), tokens: TOKENS / 2},
		];
		t.is(distance(createRetarget([whole, nothing], byEnergy, arithmetic)(weight), 0), 0);
		t.true(distance(createRetarget([whole, {...nothing, tokens: 0}], byEnergy, arithmetic)(weight), 1) < 0.02);
		const more = {mismatch: mismatchOf(3), tokens: TOKENS / 2};
		// a = 1 and b = 3: a b is 3, and the square of their mean 4.
		t.true(distance(createRetarget([whole, more], byEnergy, arithmetic)(weight), 1.5) < 0.03);
	});
}

test('an input of a thousand times the size of others takes nothing from what they ask for', t => {
	const columns = 96;
	const sizes = Float64Array.from({length: columns}, (_, column) => (column === 7 ? 1000 : 1 + column / columns));
	const [noise, asked] = [randomNumbers(columns * columns, 4, 0.2), randomNumbers(columns * columns, 5, 0.1)];
	const square = (value: (i: number, j: number) => number): Float32Array =>
		Float32Array.from({length: columns * columns}, (_, index) => value(Math.floor(index / columns), index % columns));
	// Inputs that depend on each other a little, each of its size; what they lack is in proportion to both.
	const dependence = square((i, j) => sizes[i]! * sizes[j]! * ((i === j ? 1 : 0) + (noise[i * columns + j]! + noise[j * columns + i]!) / columns));
	const half = {mismatch: square((i, j) => sizes[i]! * sizes[j]! * asked[i * columns + j]!), tokens: 1e9};
	const values = Float32Array.from(randomNumbers(ROWS * columns, 6, 1), (value, index) => value / sizes[index % columns]!);
	const wide: Weight = {name: 'wide', rows: ROWS, columns, read: (first, count) => values.subarray(first * columns, (first + count) * columns)};
	const {byEnergy: order} = createFeedback({gram: dependence, sampleSize: 1e9}, columns);
	const [exact, blocks] = [FLOAT, BLOCK_FLOAT].map(arithmetic => createRetarget([half, half], order, arithmetic)(wide).read(0, ROWS)) as [
		Float32Array,
		Float32Array,
	];
	let [distance, change] = [0, 0];
	for (const [index, value] of exact.entries()) {
		if (index % columns !== 7) {
			distance += (blocks[index]! - value) ** 2;
			change += (value - values[index]!) ** 2;
		}
	}

	t.true(change > 0 && Math.sqrt(distance / change) < 0.01, `${Math.sqrt(distance / change)}`);
});
