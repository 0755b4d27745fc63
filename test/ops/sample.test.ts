/** The kernel that draws tokens, against sorting all weights, which it leaves in place of the logits. */
import {readFileSync} from 'node:fs';
import test from 'ava';
import {instantiateKernels} from '../../compiler/numeric/kernels.js';
import {createRandom, randomNumbers} from '../helpers/random.js';

type Options = {readonly temperature: number; readonly topK?: number; readonly topP?: number; readonly minP?: number; readonly draw?: number};

const run = instantiateKernels(readFileSync(new URL('../../dist/kernels/plain.wasm', import.meta.url)));

function sample(logits: Float32Array, {temperature, topK = 0, topP = 1, minP = 0, draw = 0}: Options): {token: number; weights: Float32Array} {
	const [token, x, options, scratch] = run.layOut(4, 4 * logits.length, 20, 12 * 1024) as [number, number, number, number];
	const {buffer} = run.memory;
	new Float32Array(buffer, x, logits.length).set(logits);
	new Float32Array(buffer, options, 5).set([temperature, topK, topP, minP, draw]);
	run.call('sample_f32', token, x, options, scratch, logits.length);
	return {token: new Int32Array(buffer, token, 1)[0]!, weights: new Float32Array(buffer, x, logits.length).slice()};
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
					const {token, weights} = sample(logits, all);
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
	t.is(sample(many, {temperature: 0}).token, many.indexOf(Math.max(...many)));
	t.is(sample(Float32Array.of(1, 5, 5, 2), {temperature: 0}).token, 1);
	t.is(sample(Float32Array.of(NaN, 3, NaN, 4, NaN), {temperature: 0}).token, 3);
	t.is(sample(Float32Array.of(NaN, 3, NaN, 4, -Infinity), {temperature: 1, draw: 0}).token, 1);
	t.is(sample(Float32Array.of(1, Infinity, 2), {temperature: 1}).token, 1);
	t.is(sample(new Float32Array(9).fill(-Infinity), {temperature: 1}).token, 0);
	t.is(sample(new Float32Array(9).fill(NaN), {temperature: 1}).token, 0);
});
