/** A sentence embedder without loss gives ONNX Runtime's hidden states, padded and unpadded, one sentence or several. */
import test, {type ExecutionContext} from 'ava';
import {load} from '../runtime-wasm/loader/index.js';
import type {Feed, Model} from '../runtime-wasm/loader/types.js';
import {compileModel, findModel, missing, type Compiled} from './helpers/models.js';
import {int64, openOracle, relativeDifference, type Oracle} from './helpers/ort-model.js';

const NAME = 'all-minilm-l6-v2';
const LENGTHS = [1, 2, 7, 128, 200];

function feeds(batch: number, length: number, padding: number): Record<string, Feed> {
	const at = (make: (index: number) => number): Feed =>
		int64(
			Array.from({length: batch * length}, (_, index) => make(index)),
			[batch, length],
		);
	// Sentence b ends b + padding tokens before the others, but is never empty.
	const shown = (index: number): number => Number(index % length < Math.max(1, length - (padding === 0 ? 0 : padding + Math.floor(index / length))));
	return {input_ids: at(index => (index * 7919 + 2000) % 30_000), attention_mask: at(shown), token_type_ids: at(index => Number(index % 5 === 4))};
}

async function compare(t: ExecutionContext, model: Model, oracle: Oracle, given: Record<string, Feed>, what: string): Promise<void> {
	const [expected, actual] = [await oracle.run(given), await model.run(given)];
	t.deepEqual(Object.keys(actual), Object.keys(expected));
	for (const [name, tensor] of Object.entries(expected)) {
		t.deepEqual(actual[name]!.dims, tensor.dims);
		t.true(relativeDifference(actual[name]!, tensor) <= 1e-3, `${name}, ${what}: ${relativeDifference(actual[name]!, tensor)}`);
	}
}

async function open(t: ExecutionContext, batch?: {min: number; max: number}): Promise<{model: Model; oracle: Oracle; bundle: Compiled} | undefined> {
	const source = findModel(NAME);
	if (source === undefined) {
		t.log(`skipped: ${missing(NAME)}`);
		t.pass();
		return undefined;
	}

	const bundle = await compileModel(source, {codecs: ['dense'], ...(batch ? {dims: {batch}, maxSequence: 64} : {})});
	const oracle = await openOracle(source);
	const model = await load(bundle.bundle);
	t.teardown(async () => {
		model.release();
		await oracle[Symbol.asyncDispose]();
		await bundle[Symbol.asyncDispose]();
	});
	return {model, oracle, bundle};
}

test.serial(`${NAME} without loss agrees with ONNX Runtime on lengths and padding`, async t => {
	const opened = await open(t);
	for (const length of opened ? LENGTHS : []) {
		for (const padding of [0, Math.floor(length / 3)]) {
			await compare(t, opened!.model, opened!.oracle, feeds(1, length, padding), `${length} tokens, ${padding} of padding`);
		}
	}
});

test.serial(`${NAME} takes several sentences at once when its batch is left free`, async t => {
	const opened = await open(t, {min: 1, max: 4});
	for (const [batch, length] of opened
		? ([
				[1, 5],
				[3, 12],
				[4, 64],
			] as const)
		: []) {
		await compare(t, opened!.model, opened!.oracle, feeds(batch, length, 2), `${batch} sentences of ${length}`);
	}
});
