/** Half and int8 caches beside f32 on books-3m: how far logits move, step by step, and what that costs on a text. */
import {fileURLToPath} from 'node:url';
import test from 'ava';
import {load} from '../runtime-wasm/loader/index.js';
import type {LowerOptions} from '../compiler/plan/lower.js';
import {compileModel} from './helpers/models.js';

const model = fileURLToPath(new URL('models/books-3m/model.onnx', import.meta.url));

const TEXT = `It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness, it was the epoch of
belief, it was the epoch of incredulity, it was the season of light, it was the season of darkness, it was the spring of hope, it was the
winter of despair, we had everything before us, we had nothing before us, we were all going direct to heaven, we were all going direct the
other way. There were a king with a large jaw and a queen with a plain face, on the throne of England; there were a king with a large jaw
and a queen with a fair face, on the throne of France.`;

const LENGTH = 128;

/** Positions of the prompt; the others are steps of one token on the cache. */
const PROMPT = 64;

type Traced = {readonly logits: readonly Float32Array[]; readonly nll: number; readonly state: number};

/** The logits of every position, from the cache alone behind the prompt, and the mean loss of the text's own tokens. */
async function trace(cachePrecision: LowerOptions['cachePrecision']): Promise<Traced> {
	await using bundle = await compileModel(model, {codecs: ['dense'], bits: 32, maxSequence: 256, cachePrecision});
	const loaded = await load(bundle.bundle);
	try {
		const ids = (await loaded.tokenize(TEXT)).slice(0, LENGTH);
		if (ids.length < LENGTH) {
			throw new Error(`the text has only ${ids.length} tokens`);
		}

		const logits: Float32Array[] = [];
		for (const [start, end] of [[0, PROMPT], ...Array.from({length: LENGTH - PROMPT}, (_, step) => [PROMPT + step, PROMPT + step + 1])] as Array<
			[number, number]
		>) {
			const tensor = (values: readonly number[]) => ({type: 'int64' as const, data: BigInt64Array.from(values, BigInt), dims: [1, values.length]});
			const feeds = {
				input_ids: tensor(ids.slice(start, end)),
				attention_mask: tensor(new Array<number>(end).fill(1)),
				position_ids: tensor(Array.from({length: end - start}, (_, index) => start + index)),
			};
			const result = (await loaded.run(feeds, {continue: start > 0, logits: 'all'}))['logits']!;
			const width = result.dims.at(-1)!;
			for (let row = 0; row < end - start; row++) {
				logits.push((result.data as Float32Array).slice(row * width, (row + 1) * width));
			}
		}

		return {logits, nll: meanLoss(logits, ids), state: bundle.bytes.state};
	} finally {
		loaded.release();
	}
}

function meanLoss(logits: readonly Float32Array[], ids: readonly number[]): number {
	let sum = 0;
	for (const [position, row] of logits.slice(0, -1).entries()) {
		const top = row.reduce((a, b) => Math.max(a, b));
		sum += top + Math.log(row.reduce((total, value) => total + Math.exp(value - top), 0)) - row[ids[position + 1]!]!;
	}

	return sum / (logits.length - 1);
}

/** The length of the difference relative to the spread of the exact row; adding one number to all logits changes nothing. */
function distance(exact: Float32Array, other: Float32Array): number {
	const mean = (values: Float32Array): number => values.reduce((a, b) => a + b, 0) / values.length;
	const [a, b] = [mean(exact), mean(other)];
	const [difference, spread] = exact.reduce(([d, s], value, index) => [d + (value - a - (other[index]! - b)) ** 2, s + (value - a) ** 2], [0, 0] as [
		number,
		number,
	]);
	return Math.sqrt(difference / spread);
}

/** Of a cache: the furthest that a position's logits may lie from the exact ones, how far the perplexity, and bytes against f32. */
const LIMITS = {
	float16: {logits: 0.001, perplexity: 0.0005, bytes: 0.5},
	int8: {logits: 0.015, perplexity: 0.005, bytes: 0.32},
} as const;

test.serial('caches in fewer bits stay within their limits of the exact one', async t => {
	const exact = await trace('float32');
	t.true(exact.nll > 1 && exact.nll < 5, `${exact.nll}`);
	for (const precision of ['float16', 'int8'] as const) {
		const limits = LIMITS[precision];
		const held = await trace(precision);
		const distances = exact.logits.map((row, position) => distance(row, held.logits[position]!));
		const worst = Math.max(...distances);
		const change = Math.abs(Math.exp(held.nll - exact.nll) - 1);
		t.log(`${precision}: logits within ${worst.toExponential(2)}, perplexity within ${(100 * change).toFixed(4)} %, ${held.state} of ${exact.state} bytes`);
		t.true(worst > 0 && worst <= limits.logits, `${precision}: ${worst} at ${distances.indexOf(worst)}`);
		t.true(change <= limits.perplexity, `${precision}: ${change}`);
		t.true(held.state <= limits.bytes * exact.state, `${held.state} of ${exact.state}`);
	}
});
