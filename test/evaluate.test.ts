import test from 'ava';
import {SnugError} from '../compiler/error.js';
import {createScorer, kullbackLeibler, logSumExp, windowStarts} from '../compiler/evaluate.js';
import {meanDivergence} from '../compiler/numeric/divergence.js';
import {createGenerator} from '../compiler/numeric/random.js';

test('windows are evenly spaced and never overlap', t => {
	t.deepEqual(windowStarts(1000, 100, 4), [0, 225, 450, 675]);
	t.deepEqual(windowStarts(1000, 100, 1), [0]);
	t.deepEqual(windowStarts(100, 100, 24), [0]);
	t.deepEqual(windowStarts(350, 100, 24), [0, 100, 200]);
});

test('a text shorter than one window is refused with both lengths', t => {
	const error = t.throws(() => windowStarts(99, 100, 4), {instanceOf: SnugError, code: 'text-too-short'});
	t.regex(error.message, /expected at least 100 tokens, found 99 tokens/);
});

test('uniform logits over n tokens have perplexity n', t => {
	const scorer = createScorer();
	for (let target = 0; target < 8; target++) {
		scorer.add(new Float32Array(8).fill(1000), target);
	}

	const {perplexity, nll, tokens} = scorer.score();
	t.true(Math.abs(perplexity - 8) < 1e-12);
	t.true(Math.abs(nll - Math.log(8)) < 1e-12);
	t.is(tokens, 8);
});

test('the log-sum-exp of logits far from zero does not overflow', t => {
	t.true(Math.abs(logSumExp([800, 800]) - (800 + Math.LN2)) < 1e-9);
	t.true(Math.abs(logSumExp([-900, -900]) - (-900 + Math.LN2)) < 1e-9);
});

test('perplexity, divergence and agreement equal values worked out by hand', t => {
	const scorer = createScorer();
	const logits = (...probabilities: number[]) => Float64Array.from(probabilities, Math.log);
	scorer.add(logits(0.5, 0.25, 0.25), 0, logits(0.25, 0.5, 0.25));
	scorer.add(logits(0.1, 0.8, 0.1), 1, logits(0.1, 0.8, 0.1));
	const {nll, kl, top1} = scorer.score();
	t.true(Math.abs(nll + (Math.log(0.5) + Math.log(0.8)) / 2) < 1e-12);
	t.true(Math.abs((kl ?? Number.NaN) - (0.25 * Math.log(0.25 / 0.5) + 0.5 * Math.log(0.5 / 0.25)) / 2) < 1e-12);
	t.is(top1, 0.5);
});

test('without a reference there is neither divergence nor agreement', t => {
	const scorer = createScorer();
	scorer.add([0, 1], 0);
	t.deepEqual(Object.keys(scorer.score()).sort(), ['nll', 'perplexity', 'tokens']);
});

test('a token outside the vocabulary and a reference of another vocabulary are refused', t => {
	const scorer = createScorer();
	t.is(t.throws(() => scorer.add([0, 1], 2), {instanceOf: SnugError}).code, 'token-out-of-range');
	t.is(t.throws(() => scorer.add([0, 1], 0, [0, 1, 2]), {instanceOf: SnugError}).code, 'vocabulary-mismatch');
});

test('the divergence on the kernels is that of the scorer', t => {
	const random = createGenerator(7);
	const normal = (length: number, scale: number) => Float32Array.from({length}, () => scale * (random() + random() + random() + random() - 2));
	for (const columns of [1, 3, 257, 50_257]) {
		const reference = Array.from({length: 11}, (_, row) => normal(columns, row + 1));
		for (const [noise, tolerance] of [
			[3, 1e-6],
			[0.01, 1e-3],
		] as const) {
			const logits = reference.map(row => {
				const errors = normal(columns, noise);
				return row.map((value, index) => value + errors[index]! + 40);
			});
			const expected = reference.reduce((sum, row, index) => sum + kullbackLeibler(row, logits[index]!, logSumExp(logits[index]!)), 0) / 11;
			const actual = meanDivergence(reference, logits);
			t.true(Math.abs(actual - expected) <= tolerance * expected + 1e-7, `${columns} columns, noise ${noise}: ${actual}, expected ${expected}`);
		}
	}
});

test('the divergence on the kernels takes logits that are not finite as they are', t => {
	const reference = [Float32Array.of(1, 2, -Infinity, 3, 0)];
	t.is(meanDivergence(reference, reference), 0);
	t.true(Math.abs(meanDivergence(reference, [Float32Array.of(2, 3, 9, 4, 1)]) - Math.log(1 + Math.exp(9 - logSumExp([2, 3, 4, 1])))) < 1e-6);
	t.is(meanDivergence(reference, [Float32Array.of(1, 2, 0, -Infinity, 0)]), Infinity);
	t.is(meanDivergence(reference, [Float32Array.of(1, 2, 0, Number.NaN, 0)]), Number.NaN);
});
