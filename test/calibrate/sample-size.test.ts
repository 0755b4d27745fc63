import test from 'ava';
import {createSampleSize} from '../../compiler/calibrate/sample-size.js';
import {createGenerator} from '../../compiler/numeric/random.js';

const [COLUMNS, VECTORS] = [5, 4000];

/** More than are looked at. */
const MANY = 1000;

/** @param element Of a vector; `column` from 0. */
function sizeOf(element: (column: number) => number, {pieces = 1, columns = COLUMNS} = {}): number {
	const size = createSampleSize(columns);
	const values = Float32Array.from({length: VECTORS * columns}, (_, at) => element(at % columns));
	for (let piece = 0; piece < pieces; piece++) {
		size.add(values.subarray((piece * values.length) / pieces, ((piece + 1) * values.length) / pieces));
	}

	return size.effective();
}

/** Normal numbers (Box and Muller). */
function createNormal(): () => number {
	const random = createGenerator(7);
	return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

const isNear = (value: number, expected: number): boolean => Math.abs(value / expected - 1) < 0.05;

test('normal vectors count for themselves, whatever their size and however they come', t => {
	const normal = createNormal();
	const size = sizeOf(column => 10 ** column * normal());
	t.true(isNear(size, VECTORS), `${size}`);
	const again = createNormal();
	t.is(
		sizeOf(column => 10 ** column * again(), {pieces: 10}),
		size,
	);
});

test('of many columns all parts are looked at', t => {
	const random = createGenerator(9);
	// A quarter of the columns, wherever it lies, is not the median; three quarters are.
	for (const quarter of [0, 1, 2, 3]) {
		const isIn = (column: number): boolean => Math.floor((4 * column) / MANY) === quarter;
		const sign = (): number => (random() < 0.5 ? -1 : 1);
		const rare = (): number => Number(random() < 1 / 8) * sign();
		t.is(
			sizeOf(column => (isIn(column) ? rare() : sign()), {columns: MANY}),
			3 * VECTORS,
		);
	}
});

test('where an element is there one time in eight, eight vectors count for one', t => {
	const normal = createNormal();
	const random = createGenerator(3);
	const size = sizeOf(() => (random() < 1 / 8 ? normal() : 0));
	t.true(isNear(size, VECTORS / 8), `${size}`);
});

test('elements of one size say three times as much as normal ones', t => {
	const random = createGenerator(5);
	t.is(
		sizeOf(() => (random() < 0.5 ? -2 : 2)),
		3 * VECTORS,
	);
});

test('columns of zeros, and single ones that stand out once, change nothing', t => {
	const normal = createNormal();
	let vector = 0;
	const size = sizeOf(column => {
		vector += Number(column === 0);
		return [0, vector === 9 ? 1e6 : 0, normal(), normal(), normal()][column]!;
	});
	t.true(isNear(size, VECTORS), `${size}`);
});

test('what is not a number stays none', t => {
	t.is(
		sizeOf(() => Number.NaN),
		Number.NaN,
	);
});
