/** What is particular to levels that are not evenly spaced: the tables, exactness on their own grid, and what they are good for. */
import test from 'ava';
import {codecs} from '../../compiler/codecs/index.js';
import {measure} from '../../compiler/codecs/measure.js';
import {levelTables, nf4} from '../../compiler/codecs/nf4.js';
import {random, weightOf} from './harness.js';

const shape = {rows: 32, columns: 256};

test('the tables ascend from -1 to 1 and hold 0', t => {
	for (const [name, levels] of Object.entries(levelTables)) {
		t.is(levels.length, 16, name);
		t.deepEqual(
			[...levels],
			[...levels].sort((a, b) => a - b),
			name,
		);
		t.deepEqual([levels[0], levels[15]], [-1, 1], name);
		t.true(levels.includes(0), name);
	}
});

test('the levels of nf4 are means of neighbouring quantiles of the normal distribution, eight below zero and nine from it on', t => {
	// The quantiles end where a tail of (1/32 + 1/30) / 2 is left; each side is divided evenly and scaled to its end.
	const offset = 1 - (1 / 32 + 1 / 30) / 2;
	const side = (count: number): number[] => Array.from({length: count}, (_, i) => quantile(offset + (i * (0.5 - offset)) / count));
	const largest = quantile(offset);
	const expected = [...side(7).map(value => -value), 0, ...side(8)].map(value => value / largest).sort((a, b) => a - b);
	for (const [index, level] of levelTables.nf4.entries()) {
		t.true(Math.abs(level - expected[index]!) < 1e-5, `${index}: ${level} against ${expected[index]}`);
	}
});

/** The normal quantile, by bisection of the distribution function, which is integrated by Simpson's rule. */
function quantile(p: number): number {
	const density = (x: number): number => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
	const distribution = (x: number): number => {
		let sum = density(0) + density(x);
		for (let i = 1; i < 200; i++) {
			sum += (i % 2 === 0 ? 2 : 4) * density((x * i) / 200);
		}

		return 0.5 + (sum * x) / 600;
	};

	let [low, high] = [0, 8];
	for (let i = 0; i < 60; i++) {
		const middle = (low + high) / 2;
		[low, high] = distribution(middle) < p ? [middle, high] : [low, middle];
	}

	return low;
}

for (const levels of ['nf4', 'fp4'] as const) {
	test(`a weight on the grid of ${levels} is encoded without loss`, t => {
		const next = random(5);
		for (const group of [32, 64, 128]) {
			const values = new Float32Array(shape.rows * shape.columns);
			for (let start = 0; start < values.length; start += group) {
				const scale = (1 + Math.floor(next() * 1023) / 1024) / 64;
				for (let i = 0; i < group; i++) {
					// Every group uses an end of the table, as the scale of such files is the largest magnitude.
					values[start + i] = levelTables[levels][i === 0 ? 15 : Math.floor(next() * 16)]! * scale;
				}
			}

			const parameters = {levels, bits: 4, group} as const;
			const parts = nf4.encode(weightOf(values, shape), parameters);
			t.deepEqual(
				nf4.decode(parts, shape, parameters, 0, shape.rows).map(value => value + 0),
				values.map(value => value + 0),
			);
		}
	});
}

test('in groups of 128, on normal weights, nf4 loses less than evenly spaced codes of as many bits, though those have zero points; fp4 loses more', t => {
	const next = random(3);
	const values = Float32Array.from({length: shape.rows * shape.columns}, () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()));
	const error = (id: string, levels?: string): number =>
		measure(codecs.get(id)!, {bits: 4, group: 128, ...(levels && {levels})}, weightOf(values, shape), {sampleRows: shape.rows}) / values.length;
	t.true(error('nf4', 'nf4') < error('scalar'), `${error('nf4', 'nf4')} against ${error('scalar')}`);
	t.true(error('nf4', 'fp4') > error('scalar'), `${error('nf4', 'fp4')} against ${error('scalar')}`);
});
