/** The kernel that draws tokens, against sorting all weights, which it leaves in place of the logits. */
import test from 'ava';
import {sample, type Sampling} from '../../runtime-wasm/loader/sampling.js';
import {createRandom, randomNumbers} from '../helpers/random.js';
import {samplingSession} from '../helpers/sampling-session.js';

type Options = Partial<Sampling> & {readonly draw?: number};

const neutral: Sampling = {temperature: 1, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, seed: 0};

function choose(values: Float32Array, {draw = 0, ...options}: Options): {token: number; weights: Float32Array} {
	const {session, logits} = samplingSession(values.length);
	logits.set(values);
	return {token: sample(session, {...neutral, ...options}, draw, []), weights: logits.slice()};
}

/** The tokens that may be drawn, by sorting. */
function allowed(weights: Float32Array, {topK = 0, topP = 1, minP = 0}: Options): number[] {
	const sorted = [...weights.keys()].filter(token => weights[token]! > 0).sort((a, b) => weights[b]! - weights[a]! || a - b);
	const first = topK > 0 ? sorted.slice(0, topK) : sorted;
	const wanted = Math.fround(topP) * first.reduce((sum, token) => sum + weights[token]!, 0);
	let covered = 0;
	const kept = topP < 1 ? first.filter((token, index) => (index === 0 || covered < wanted) && ((covered += weights[token]!), true)) : first;
	return kept.filter(token => weights[token]! >= Math.fround(minP)).sort((a, b) => a - b);
}

/** The token at which the share `draw` of all weights is used up. */
function drawn(weights: Float32Array, tokens: readonly number[], draw: number): number {
	let left = tokens.reduce((sum, token) => sum + weights[token]!, 0) * Math.fround(draw);
	return tokens.find(token => (left -= weights[token]!) < 0) ?? tokens.at(-1)!;
}

const shapes = {
	peaked: (x: number) => 12 * x,
	flat: (x: number) => 0.01 * x,
	equal: () => 1,
	steps: (x: number) => Math.round(2 * x),
} as const;

for (const [name, shape] of Object.entries(shapes)) {
	test(`draws from ${name} logits are those of sorted weights`, t => {
		const {next} = createRandom(5);
		for (const n of [1, 3, 50, 1000, 4099]) {
			const logits = Float32Array.from(randomNumbers(n, n), shape);
			for (const options of [
				{},
				{topK: 1},
				{topK: 7},
				{topK: 400},
				{topP: 0},
				{topP: 0.1},
				{topP: 0.9},
				{topP: 0.999},
				{topK: 20, topP: 0.5},
				{minP: 0.2},
				{topP: 0.95, minP: 0.1},
			]) {
				for (const draw of [0, 0.999_999, next(), next(), next()]) {
					const all = {temperature: 0.7, ...options, draw};
					const {token, weights} = choose(logits, all);
					const tokens = allowed(weights, all);
					const wanted = drawn(weights, tokens, draw);
					// Sums of many weights differ in their last bits: a neighbour is as right at the border.
					const near = Math.abs(tokens.indexOf(token) - tokens.indexOf(wanted)) <= (n > 100 ? 1 : 0);
					t.true(tokens.includes(token) && near, `${n} logits, ${JSON.stringify(all)}: ${token} for ${wanted}`);
				}
			}
		}
	});
}

test("temperature 0 takes the likeliest, the first of equals; NaN and infinities stand in nobody's way", t => {
	const {next} = createRandom(2);
	const many = Float32Array.from({length: 4099}, () => next());
	t.is(choose(many, {temperature: 0}).token, many.indexOf(Math.max(...many)));
	t.is(choose(Float32Array.of(1, 5, 5, 2), {temperature: 0}).token, 1);
	t.is(choose(Float32Array.of(NaN, 3, NaN, 4, NaN), {temperature: 0}).token, 3);
	t.is(choose(Float32Array.of(NaN, 3, NaN, 4, -Infinity), {temperature: 1, draw: 0}).token, 1);
	t.is(choose(Float32Array.of(1, Infinity, 2), {temperature: 1}).token, 1);
	t.is(choose(new Float32Array(9).fill(-Infinity), {temperature: 1}).token, 0);
	t.is(choose(new Float32Array(9).fill(NaN), {temperature: 1}).token, 0);
});
