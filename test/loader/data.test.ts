import {createHash} from 'node:crypto';
import test from 'ava';
import type {StateEntry} from '../../compiler/bundle/format.js';
import {fromBrain, fromHalf, toBrain, toHalf} from '../../runtime-wasm/loader/half.js';
import {digest, sha256} from '../../runtime-wasm/loader/hash.js';
import {random} from '../../runtime-wasm/loader/random.js';
import {bind, describeShape, valueOf} from '../../runtime-wasm/loader/shape.js';
import {chooseSimd, hasRelaxedSimd, hasSimd} from '../../runtime-wasm/loader/simd.js';
import {parseBudget} from '../../runtime-wasm/loader/size.js';
import {readState, writeState} from '../../runtime-wasm/loader/state.js';
import {joinAxis, sliceAxis, type Elements} from '../../runtime-wasm/loader/tensor.js';

test('both ways to SHA-256 give what Node gives', async t => {
	const next = random(1);
	for (const length of [0, 1, 3, 55, 56, 57, 63, 64, 65, 119, 120, 1000, 100_003]) {
		const bytes = Uint8Array.from({length}, () => next() * 256);
		const expected = createHash('sha256').update(bytes).digest('hex');
		t.is(Buffer.from(digest(bytes)).toString('hex'), expected, `${length} bytes`);
		t.is(await sha256(bytes), expected);
		t.is(
			Buffer.from(digest(bytes.subarray(length >> 1))).toString('hex'),
			createHash('sha256')
				.update(bytes.subarray(length >> 1))
				.digest('hex'),
		);
	}
});

test('every half survives the way to a number and back', t => {
	for (let half = 0; half < 65_536; half++) {
		const value = fromHalf(half);
		if (Number.isNaN(value)) {
			t.is(toHalf(value) & 0x7c_00, 0x7c_00);
		} else if (toHalf(value) !== half) {
			t.fail(`${half} became ${value} became ${toHalf(value)}`);
		}
	}

	t.is(fromHalf(0x3c_00), 1);
	t.is(fromHalf(0x00_01), 2 ** -24);
	t.is(fromHalf(0x7b_ff), 65_504);
});

test('numbers become the nearest half, even on a tie', t => {
	t.is(toHalf(1 + 2 ** -11), 0x3c_00);
	t.is(toHalf(1 + 3 * 2 ** -11), 0x3c_02);
	t.is(toHalf(65_519), 0x7b_ff);
	t.is(toHalf(65_520), 0x7c_00);
	t.is(toHalf(-Infinity), 0xfc_00);
	t.is(toHalf(2 ** -25), 0);
	t.is(toHalf(2 ** -25 * 1.01), 1);
	t.is(toHalf(2 ** -14 - 2 ** -26), 0x04_00);
	t.is(toHalf(-0), 0x80_00);
});

test('bfloat16 is the rounded upper half of a float', t => {
	t.is(toBrain(1), 0x3f_80);
	t.is(fromBrain(0xc0_49), -3.140_625);
	t.is(toBrain(1 + 2 ** -8), 0x3f_80);
	t.is(toBrain(1 + 3 * 2 ** -8), 0x3f_82);
	t.true(Number.isNaN(fromBrain(toBrain(NaN))));
});

test('symbols are bound from dimensions, through sums and coefficients', t => {
	const shape = [{past: 1, sequence: 1}, {n: 2, '': 1}, 3] as const;
	t.deepEqual(bind([{shape, dims: [7, 9, 3]}], {past: 5}), {past: 5, sequence: 2, n: 4});
	t.deepEqual(bind([{shape, dims: [7, 8, 3]}], {}), {}, 'two unknown symbols, and no whole number');
	t.deepEqual(
		bind(
			[
				{shape: [{past: 1, sequence: 1}], dims: [7]},
				{shape: [{sequence: 1}], dims: [3]},
			],
			{},
		),
		{past: 4, sequence: 3},
	);
	t.is(valueOf({a: 2, b: -1, '': 3}, {a: 4, b: 1}), 10);
	t.is(valueOf({a: 1}, {}), undefined);
	t.is(describeShape([1, {past: 1, sequence: 1}, {n: 2, '': -1}]), '[1, past + sequence, 2*n - 1]');
});

test('slices of an axis join to the whole', t => {
	const whole: Elements = {type: 'int32', data: Int32Array.from({length: 24}, (_, index) => index), dims: [2, 3, 4]};
	t.deepEqual(Array.from(sliceAxis(whole, 1, 1, 1).data as Int32Array), [4, 5, 6, 7, 16, 17, 18, 19]);
	for (const axis of [0, 1, 2]) {
		const cut = whole.dims[axis]! - 1;
		t.deepEqual(joinAxis([sliceAxis(whole, axis, 0, cut), sliceAxis(whole, axis, cut, 1)], axis), whole);
	}
});

test('states keep heads and positions apart in every storage type', t => {
	const memory = new WebAssembly.Memory({initial: 1});
	const size = {heads: 3, positions: 5, width: 4};
	const given: Elements = {
		type: 'float32',
		data: Float32Array.from({length: 3 * 2 * 4}, (_, index) => Math.sin(index * 1.7) * (index + 1)),
		dims: [1, 3, 2, 4],
	};
	for (const [storage, tolerance] of [
		['float32', 0],
		['float16', 2 ** -11],
		['int8', 1 / 250],
	] as const) {
		const state: StateEntry = {
			...size,
			input: 'past',
			output: 'present',
			dtype: 'float32',
			shape: [1, 3, {past: 1}, 4],
			axis: 2,
			storage,
			address: 256,
			bytes: 240,
			...(storage === 'int8' ? {scales: 1024} : {}),
		};
		new Uint8Array(memory.buffer).fill(0);
		writeState(memory, state, given);
		const read = readState(memory, state, 2);
		t.deepEqual(read.dims, given.dims);
		const rowMaximum = (index: number): number =>
			Math.max(...Array.from((given.data as Float32Array).subarray(index - (index % 4), index - (index % 4) + 4), Math.abs));
		for (const [index, value] of (read.data as Float32Array).entries()) {
			t.true(Math.abs(value - Number(given.data[index])) <= tolerance * rowMaximum(index), `${storage} ${index}`);
		}

		const bytes = {float32: 4, float16: 2, int8: 1}[storage];
		const gap = new Uint8Array(memory.buffer, 256 + 2 * 4 * bytes, 3 * 4 * bytes);
		t.true(
			gap.every(byte => byte === 0),
			'positions behind the used ones are untouched',
		);
	}
});

test('sizes are read as people write them', t => {
	t.is(parseBudget('60MB'), 60_000_000);
	t.is(parseBudget('60 MiB'), 60 * 1024 * 1024);
	t.is(parseBudget('1.5GB'), 1_500_000_000);
	t.is(parseBudget(12_345), 12_345);
	t.is(parseBudget('12345'), 12_345);
	t.is(parseBudget('auto'), null);
	for (const wrong of ['', 'MB', '-1', '0', '5 parsecs', '1e3', NaN, -5, Infinity]) {
		t.throws(() => parseBudget(wrong), {message: /option budget/}, String(wrong));
	}
});

test('the engine says which SIMD it has, and Node keeps to the plain program', t => {
	t.true(hasSimd());
	t.is(chooseSimd('auto', true), 'plain');
	t.is(chooseSimd('auto', false), hasRelaxedSimd() ? 'relaxed' : 'plain');
	t.is(chooseSimd('plain', false), 'plain');
});
