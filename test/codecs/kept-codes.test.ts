/** Weights that are integer codes in the model file: kept as they are where a code can hold them, searched again where it cannot. */
import test from 'ava';
import {codecs} from '../../compiler/codecs/index.js';
import type {Weight} from '../../compiler/codecs/codec.js';
import {measure} from '../../compiler/codecs/measure.js';
import {random, weightOf} from './harness.js';

const shape = {rows: 21, columns: 192};

/** Codes of `bits` bits in groups, with scales that f16 holds exactly when `exact`. */
function quantizedWeight(bits: number, group: number, {exact = true, zero = (top: number) => (top + 1) / 2, emptyGroup = false} = {}): Weight {
	const next = random(bits * group);
	const groups = shape.columns / group;
	const codes = Uint8Array.from({length: shape.rows * shape.columns}, () => Math.floor(next() * 2 ** bits));
	const scales = Float32Array.from({length: shape.rows * groups}, () => (exact ? (1024 + Math.floor(next() * 1024)) * 2 ** -17 : 0.01 + next() / 100));
	const zeros = Float32Array.from({length: shape.rows * groups}, () => zero(2 ** bits - 1));
	if (emptyGroup) {
		scales[3] = 0;
	}

	const values = Float32Array.from(codes, (code, index) => {
		const at = Math.floor(index / shape.columns) * groups + Math.floor((index % shape.columns) / group);
		return scales[at]! * (code - zeros[at]!);
	});
	return {
		...weightOf(values, shape),
		quantized: {
			bits,
			group,
			codes: (first, count) => codes.slice(first * shape.columns, (first + count) * shape.columns),
			scales: () => scales,
			zeros: () => zeros,
		},
	};
}

const error = (id: string, bits: number, group: number, weight: Weight, sampleRows = shape.rows): number =>
	measure(codecs.get(id)!, {bits, group}, weight, {sampleRows});

test('codes of a file are lossless where bits and groups fit', t => {
	t.is(error('scalar', 4, 32, quantizedWeight(4, 32)), 0);
	t.is(error('scalar', 4, 32, quantizedWeight(4, 64)), 0, 'a group of the file may be several of the code');
	t.is(error('scalar', 4, 64, quantizedWeight(4, 64, {emptyGroup: true})), 0, 'a group with the scale 0');
	t.is(error('scalar', 5, 64, quantizedWeight(4, 192)), 0, 'more bits than the file has');
	t.is(error('planes', 2, 64, quantizedWeight(2, 64, {zero: top => top / 2})), 0, 'a zero point between codes');
	t.is(error('scalar', 8, 64, quantizedWeight(8, 64)), 0);
	t.is(error('scalar', 6, 32, quantizedWeight(4, 32)), 0);
	t.is(error('scalar', 4, 32, quantizedWeight(4, 32), 7), 0, 'on a sample of rows');
});

test('scales of a file are rounded to f16 and nothing else', t => {
	const weight = quantizedWeight(4, 32, {exact: false});
	const values = weight.read(0, shape.rows);
	let bound = 0;
	for (const value of values) {
		bound += (value * 2 ** -11) ** 2;
	}

	const found = error('scalar', 4, 32, weight);
	t.true(found > 0 && found <= bound, `${found} against ${bound}`);
});

test('codes that do not fit are searched again', t => {
	// Fewer bits, wider groups, a zero point between codes for whole ones: each loses something, and less than a code's step.
	for (const [id, bits, group, weight] of [
		['planes', 3, 32, quantizedWeight(4, 32)],
		['scalar', 4, 64, quantizedWeight(4, 32)],
		['scalar', 6, 64, quantizedWeight(6, 64, {zero: top => top / 2})],
	] as const) {
		const found = error(id, bits, group, weight);
		const square = weight.read(0, shape.rows).reduce((sum, value) => sum + value * value, 0);
		t.true(found > 0 && found < square * 4 ** (1 - bits), `${id} ${bits}: ${found / square}`);
	}
});

test('weights that are no numbers are refused by name', t => {
	const values = new Float32Array(64).fill(0.5);
	values[40] = NaN;
	const weight = weightOf(values, {rows: 2, columns: 32}, 'mlp.up');
	t.throws(() => codecs.get('scalar')!.encode(weight, {bits: 4, group: 32}), {message: /mlp\.up.*NaN/});
	t.throws(() => codecs.get('dense')!.encode(weight, {dtype: 'float16'}), {message: /mlp\.up.*row 1.*NaN/});
});

test('a measure on some rows estimates the measure on all', t => {
	const values = Float32Array.from({length: 256 * 64}, (_, index) => Math.sin(index * 1.3) / (1 + (index % 7)));
	const weight = weightOf(values, {rows: 256, columns: 64});
	const all = error('planes', 3, 64, weight, 256);
	const some = error('planes', 3, 64, weight, 32);
	t.true(Math.abs(some / all - 1) < 0.1, `${some} against ${all}`);
});
