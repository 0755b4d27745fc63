import test from 'ava';
import {random} from '../../runtime-wasm/loader/random.js';
import {sample, settle} from '../../runtime-wasm/loader/sampling.js';
import type {SamplingOptions} from '../../runtime-wasm/loader/types.js';
import {samplingSession} from '../helpers/sampling-session.js';

const draws = 40_000;

/** Chooses tokens as generation does. */
function sampler(options: SamplingOptions): (logits: Float32Array, history: readonly number[]) => number {
	const sampling = settle(options, {});
	const draw = random(sampling.seed);
	return (values, history) => {
		const {session, logits} = samplingSession(values.length);
		logits.set(values);
		return sample(session, sampling, draw(), history);
	};
}

/** How often each token is drawn. */
function frequencies(logits: readonly number[], options: SamplingOptions, history: readonly number[] = []): number[] {
	const next = sampler({seed: 7, ...options});
	const counts = logits.map(() => 0);
	for (let index = 0; index < draws; index++) {
		counts[next(Float32Array.from(logits), history)]! += 1 / draws;
	}

	return counts;
}

function softmax(logits: readonly number[], temperature = 1): number[] {
	const weights = logits.map(logit => Math.exp(logit / temperature));
	const sum = weights.reduce((a, b) => a + b);
	return weights.map(weight => weight / sum);
}

/** Pearson's statistic stays below the 99.9 % point of its distribution with up to 9 degrees of freedom. */
const fits = (found: readonly number[], expected: readonly number[]): boolean =>
	expected.every((share, token) => share > 0 || found[token] === 0) &&
	expected.reduce((sum, share, token) => sum + (share > 0 ? ((found[token]! - share) ** 2 / share) * draws : 0), 0) < 27.9;

const only = (shares: readonly number[], tokens: readonly number[]): number[] => {
	const sum = tokens.reduce((total, token) => total + shares[token]!, 0);
	return shares.map((share, token) => (tokens.includes(token) ? share / sum : 0));
};

const logits = [1.5, -0.5, 0.25, 2, -3, 0.75, -1, 1] as const;

test('temperature 0 takes the likeliest token, the first of equals', t => {
	const next = sampler({});
	t.is(next(Float32Array.of(1, 3, 3, 2), []), 1);
	t.is(next(Float32Array.of(NaN, 3, NaN, 4), []), 3);
	t.is(next(Float32Array.of(-Infinity, -Infinity, 0), []), 2);
});

test('tokens are drawn as often as the softmax says', t => {
	t.true(fits(frequencies(logits, {temperature: 1}), softmax(logits)));
	t.true(fits(frequencies(logits, {temperature: 0.5}), softmax(logits, 0.5)));
	t.true(fits(frequencies(logits, {temperature: 3}), softmax(logits, 3)));
	t.false(fits(frequencies(logits, {temperature: 1.2}), softmax(logits)), 'the statistic sees a small difference');
});

test('top K keeps the K likeliest', t => {
	t.true(fits(frequencies(logits, {temperature: 1, topK: 3}), only(softmax(logits), [3, 0, 7])));
	t.deepEqual(frequencies(logits, {temperature: 1, topK: 1})[3]?.toFixed(6), '1.000000');
	t.true(fits(frequencies(logits, {temperature: 1, topK: 100}), softmax(logits)));
});

test('top P keeps the fewest likeliest that make P', t => {
	const shares = softmax(logits);
	const four = [3, 0, 7, 5];
	const mass = four.reduce((sum, token) => sum + shares[token]!, 0);
	t.true(fits(frequencies(logits, {temperature: 1, topP: mass - 1e-3}), only(shares, four)));
	t.true(fits(frequencies(logits, {temperature: 1, topP: mass + 1e-3}), only(shares, [...four, 2])));
	t.is(frequencies(logits, {temperature: 1, topP: 0})[3]?.toFixed(6), '1.000000');
	t.true(fits(frequencies(logits, {temperature: 1, topP: 0.6, topK: 3}), only(shares, [3, 0])));
});

test('min P drops what is too far below the likeliest', t => {
	t.true(fits(frequencies(logits, {temperature: 1, minP: 0.25}), only(softmax(logits), [3, 0, 7, 5])));
});

test('top P over a large vocabulary is what sorting all of it gives', t => {
	const next = random(3);
	const many = Float32Array.from({length: 5000}, () => next() * 4);
	const shares = softmax([...many]);
	const sorted = shares.map((share, token) => ({share, token})).sort((a, b) => b.share - a.share);
	let covered = 0;
	const kept = new Set<number>();
	for (const {share, token} of sorted) {
		if (covered < 0.3) {
			kept.add(token);
		}

		covered += share;
	}

	const draw = sampler({temperature: 1, topP: 0.3, seed: 1});
	const seen = new Set(Array.from({length: 5000}, () => draw(many.slice(), [])));
	t.true([...seen].filter(token => !kept.has(token)).length <= 1, 'f32 sums may move the border by one');
	t.true(seen.size > kept.size * 0.9);
});

test('the repetition penalty divides positive logits and multiplies negative ones, once a token', t => {
	const penalised = [1.5 / 2, -0.5 * 2, 0.25, 2, -3, 0.75, -1, 1];
	t.true(fits(frequencies(logits, {temperature: 1, repetitionPenalty: 2}, [0, 1, 0, 0]), softmax(penalised)));
});

test("the caller's options win over the model's, in either spelling", t => {
	t.like(settle({}, {temperature: 0.6, top_k: 5, topP: 0.9, repetition_penalty: 1.1}), {temperature: 0.6, topK: 5, topP: 0.9, minP: 0, repetitionPenalty: 1.1});
	t.like(settle({temperature: 0, topK: 2}, {temperature: 0.6, top_k: 5}), {temperature: 0, topK: 2});
});

test('random numbers are even, and seeds of every size differ', t => {
	const next = random(2 ** 40 + 1);
	const bins = new Array<number>(16).fill(0);
	let pairs = 0;
	let before = next();
	for (let index = 0; index < 160_000; index++) {
		const value = next();
		bins[Math.floor(value * 16)]!++;
		pairs += (value - 0.5) * (before - 0.5);
		before = value;
	}

	t.true(bins.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0) < 37.7, 'the 99.9 % point for 15 degrees of freedom');
	t.true(Math.abs((pairs / 160_000) * 12) < 0.01);
	const firsts = [0, 1, -1, 2 ** 32, 2 ** 40, Number.MAX_SAFE_INTEGER].map(seed => random(seed)());
	t.is(new Set(firsts).size, firsts.length);
	t.is(random(5)(), random(5)());
});
