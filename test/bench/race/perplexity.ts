/** Perplexity of every contender's weights on the same windows of a text; null where a runtime gives no logits. */
import {readFileSync} from 'node:fs';
import path from 'node:path';
import {evaluate} from '../../../compiler/evaluate-bundle.js';
import {createScorer, windowStarts} from '../../../compiler/evaluate.js';
import {languageFeeds, openOracle} from '../../helpers/ort-model.js';

const context = 512;

export const perplexityOfBundle = async (bundle: string, text: string, windows: number): Promise<number> =>
	(await evaluate(bundle, {text, context, windows, path: 'prefill'})).perplexity;

/** The model that onnxruntime-web runs, in ONNX Runtime for Node: the same operators. `ids` are the text's tokens. */
export async function perplexityOfOnnx(folder: string, ids: readonly number[], windows: number): Promise<number> {
	await using model = await openOracle(path.join(folder, 'model.onnx'));
	const scorer = createScorer();
	for (const start of windowStarts(ids.length, context, windows)) {
		const window = ids.slice(start, start + context);
		const {logits} = await model.run(languageFeeds(model.inputs, window.slice(0, -1)));
		const data = logits!.data as Float32Array;
		const width = logits!.dims.at(-1)!;
		for (let position = 0; position < window.length - 1; position++) {
			scorer.add(data.subarray(position * width, (position + 1) * width), window[position + 1]!);
		}
	}

	return scorer.score().perplexity;
}

export const readText = (file: string): string => readFileSync(file, 'utf8').replaceAll(/\r\n?/g, '\n');
