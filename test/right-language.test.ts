/** Bundles without loss give ONNX Runtime's outputs: language models, prefill, decode with a cache, chunks, and a cache handed in. */
import {readFileSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {load} from '../runtime-wasm/loader/index.js';
import type {Model, Tensor} from '../runtime-wasm/loader/types.js';
import {decodeModel, encodeModel} from '../compiler/onnx/schema.js';
import {temporaryFolder} from './helpers/temporary.js';
import {compileModel, findModel, missing} from './helpers/models.js';
import {languageFeeds, openOracle, relativeDifference, type Oracle} from './helpers/ort-model.js';

const LENGTHS = [1, 2, 7, 128, 200];
const TOLERANCE = 1e-3;

/** Tokens that look random and are the same each time. */
const tokens = (length: number, vocabulary: number): number[] => Array.from({length}, (_, index) => (index * 7919 + 104_729) % vocabulary);

const row = ({type, data, dims}: Tensor, index: number): Tensor => {
	const width = dims.at(-1)!;
	return {type, dims: [1, 1, width], data: (data as Float32Array).slice(index * width, (index + 1) * width)};
};

async function check(t: ExecutionContext, model: Model, oracle: Oracle, length: number): Promise<void> {
	const vocabulary = model.info.outputs[0]!.dims.at(-1) as number;
	const ids = tokens(length, Math.min(vocabulary, 2000));
	const expected = (await oracle.run(languageFeeds(oracle.inputs, ids)))['logits']!;
	const near = (what: string, actual: Tensor, wanted: Tensor): void => {
		const difference = relativeDifference(actual, wanted);
		t.true(difference <= TOLERANCE, `${what} of ${length} tokens: ${difference}`);
	};

	const whole = await model.run(languageFeeds(oracle.inputs, ids), {logits: 'all'});
	t.deepEqual(whole['logits']!.dims, expected.dims);
	near('prefill', whole['logits']!, expected);
	const last = await model.run(languageFeeds(oracle.inputs, ids), {logits: 'last'});
	near('last row', last['logits']!, row(expected, length - 1));
	if (length === 1) {
		return;
	}

	// A first part, then the rest token by token and in one go, on the cache.
	const cut = length - Math.min(3, length - 1);
	await model.run(languageFeeds(oracle.inputs, ids.slice(0, cut)));
	for (let at = cut; at < length; at++) {
		const step = await model.run(languageFeeds(oracle.inputs, ids.slice(at, at + 1), at), {continue: true});
		near(`decode at ${at}`, step['logits']!, row(expected, at));
	}

	await model.run(languageFeeds(oracle.inputs, ids.slice(0, cut)));
	const rest = await model.run(languageFeeds(oracle.inputs, ids.slice(cut), cut), {continue: true, logits: 'last'});
	near('continued prefill', rest['logits']!, row(expected, length - 1));
}

/** The cache that ONNX Runtime made, handed in; and the one that comes back, against its own. */
async function checkState(t: ExecutionContext, model: Model, oracle: Oracle): Promise<void> {
	const ids = tokens(9, 2000);
	const before = await oracle.run(languageFeeds(oracle.inputs, ids.slice(0, 6)));
	const past = Object.fromEntries(
		Object.entries(before)
			.filter(([name]) => name.startsWith('present'))
			.map(([name, tensor]) => [name.replace('present', 'past_key_values'), tensor]),
	);
	const feeds = {...languageFeeds(oracle.inputs, ids.slice(6), 6), ...past};
	const [expected, actual] = [await oracle.run(feeds), await model.run(feeds)];
	t.deepEqual(Object.keys(actual).sort(), Object.keys(expected).sort());
	for (const [name, tensor] of Object.entries(expected)) {
		t.true(relativeDifference(actual[name]!, tensor) <= TOLERANCE, `${name} after a cache handed in: ${relativeDifference(actual[name]!, tensor)}`);
	}
}

/** A copy in which products round no activations: what is compared is the model, not the runtime's shortcut. */
function exactCopy(t: ExecutionContext, model: string): string {
	const folder = temporaryFolder(t);
	const proto = decodeModel(readFileSync(model));
	for (const node of proto.graph?.node ?? []) {
		for (const attribute of node.attribute) {
			if (attribute.name === 'accuracy_level') {
				Object.assign(attribute, {i: 1});
			}
		}
	}

	writeFileSync(path.join(folder, 'model.onnx'), encodeModel(proto));
	writeFileSync(path.join(folder, 'model.onnx.data'), readFileSync(`${model}.data`));
	return path.join(folder, 'model.onnx');
}

for (const name of ['books-3m', 'books-3m-genai-fp32', 'books-3m-genai-int4', 'books-3m-masa', 'smollm2-135m']) {
	test.serial(`${name} without loss agrees with ONNX Runtime`, async t => {
		const found = findModel(name);
		if (found === undefined) {
			t.log(`skipped: ${missing(name)}`);
			t.pass();
			return;
		}

		const source = name.endsWith('int4') ? exactCopy(t, found) : found;
		await using bundle = await compileModel(source, {codecs: ['dense']});
		await using oracle = await openOracle(source);
		const model = await load(bundle.bundle);
		t.teardown(() => {
			model.release();
		});
		for (const length of LENGTHS) {
			await check(t, model, oracle, length);
		}

		await checkState(t, model, oracle);
	});
}
