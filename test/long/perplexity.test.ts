/** Bundles without loss have the perplexity of ONNX Runtime. */
import {readFileSync} from 'node:fs';
import test from 'ava';
import {readManifest} from '../../compiler/bundle/read.js';
import {createScorer, windowStarts, type Score} from '../../compiler/evaluate.js';
import {evaluate, paths} from '../../compiler/evaluate-bundle.js';
import {load} from '../../runtime-wasm/loader/index.js';
import {compileModel, findModel, findText, missing} from '../helpers/models.js';
import {languageFeeds, openOracle} from '../helpers/ort-model.js';

const CONTEXT = 256;
const WINDOWS = 4;
const TOLERANCE = 0.001;

async function tokensOf(bundle: string, text: string): Promise<number[]> {
	const model = await load(bundle);
	// Line ends as the evaluation reads them.
	const ids = await model.tokenize(readFileSync(text, 'utf8').replace(/\r\n?/g, '\n'));
	model.release();
	return ids[0] === readManifest(bundle).generation?.bos ? ids.slice(1) : ids;
}

async function scoreOracle(model: string, ids: readonly number[]): Promise<Score> {
	await using oracle = await openOracle(model);
	const scorer = createScorer();
	for (const start of windowStarts(ids.length, CONTEXT, WINDOWS)) {
		const window = ids.slice(start, start + CONTEXT);
		const {logits} = await oracle.run(languageFeeds(oracle.inputs, window.slice(0, -1)));
		const data = logits!.data as Float32Array;
		const width = data.length / (CONTEXT - 1);
		for (let position = 0; position < CONTEXT - 1; position++) {
			scorer.add(data.subarray(position * width, (position + 1) * width), window[position + 1]!);
		}
	}

	return scorer.score();
}

for (const [name, textName] of [
	['books-3m', 'books-valid.txt'],
	['smollm2-135m', 'wikitext2-test.txt'],
] as const) {
	test.serial(`${name} without loss has the perplexity of ONNX Runtime`, async t => {
		const [model, text] = [findModel(name), findText(textName)];
		if (model === undefined || text === undefined) {
			t.log(`skipped: ${missing(model === undefined ? name : textName)}`);
			t.pass();
			return;
		}

		await using compiled = await compileModel(model, {codecs: ['dense'], bits: 32, cachePrecision: 'float32'});
		const expected = await scoreOracle(model, await tokensOf(compiled.bundle, text));
		for (const kind of paths) {
			const {perplexity, tokens} = await evaluate(compiled.bundle, {text, context: CONTEXT, windows: WINDOWS, path: kind});
			t.is(tokens, expected.tokens);
			const difference = Math.abs(perplexity / expected.perplexity - 1);
			t.log(`${kind} ${perplexity.toFixed(5)}, ONNX Runtime ${expected.perplexity.toFixed(5)}`);
			t.true(difference <= TOLERANCE, `${kind}: ${difference}`);
		}
	});
}
