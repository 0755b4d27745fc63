/**
 * What bits cost an embedder: the mean cosine between the embeddings of sentences, means over their tokens, by the model as it is and with
 * its weights encoded in so many bits a weight, all weights counted.
 *
 *   npm run bench -- sentences [--model NAME] [--bits 4,8] [--text FILE] [--count N] [--calibration FILE] [--codecs a,b] [--cache DIR]
 *
 * Calibrated on the sample that comes with Snug unless a text is given. Codes are judged by what they decode to: rounding inside kernels is
 * measured elsewhere.
 */
import {readFileSync} from 'node:fs';
import path from 'node:path';
import {parseArgs} from 'node:util';
import {allocate, totalOf} from '../../compiler/allocate/allocate.js';
import {findText as findTokenizer} from '../../compiler/bundle/text.js';
import {floatModel} from '../../compiler/calibrate/float-program.js';
import {createRunner} from '../../compiler/calibrate/predictor.js';
import {symbolsOf} from '../../compiler/calibrate/run-inputs.js';
import {openTokenizer, SAMPLE} from '../../compiler/calibrate/text.js';
import {cosine} from '../../compiler/numeric/dot.js';
import {prepare, withMeans} from '../../compiler/prepare.js';
import {findModel, findText, missing} from '../helpers/models.js';
import {setDecoded} from './quality/decoded.js';

const {values: given} = parseArgs({
	options: {
		model: {type: 'string', default: 'all-minilm-l6-v2'},
		bits: {type: 'string', default: '4'},
		text: {type: 'string'},
		count: {type: 'string', default: '500'},
		calibration: {type: 'string', default: SAMPLE},
		codecs: {type: 'string'},
		cache: {type: 'string'},
	},
});

/** Words of what counts as a sentence, and the most tokens of one. */
const [LEAST_WORDS, MOST_WORDS, CONTEXT] = [5, 60, 128];

const file = findModel(given.model);
const text = given.text ?? findText('wikitext2-test.txt');
if (file === undefined || text === undefined) {
	throw new Error(missing(file === undefined ? given.model : 'wikitext2-test.txt'));
}

const sentences = readSentences(text, Number(given.count));
const options = {
	calibration: given.calibration,
	...(given.codecs === undefined ? {} : {codecs: given.codecs.split(',')}),
	...(given.cache === undefined ? {} : {cache: given.cache}),
};
await withMeans(options, async means => {
	const {typed, weights, positions, candidates, session} = await prepare(file, options, true, means);
	const elements = weights.reduce((sum, {rows, columns}) => sum + rows * columns, 0);
	for (const bits of given.bits.split(',').map(Number)) {
		const chosen = allocate(candidates, Math.floor((bits * elements) / 8));
		if (!chosen) {
			throw new Error(`no choice of ${bits} bits`);
		}

		const float = floatModel(typed, weights, positions).program({sequence: CONTEXT});
		const machine = await float.open();
		const embed = (ids: readonly number[]): Float64Array => {
			const [tokens] = createRunner(float, machine, symbolsOf(ids))(ids);
			const width = tokens!.length / ids.length;
			return Float64Array.from({length: width}, (_, column) => ids.reduce((sum, _id, row) => sum + tokens![row * width + column]!, 0));
		};

		const before = sentences.map(embed);
		await setDecoded(float, machine, weights, chosen, session!);
		const cosines = sentences.map((ids, index) => cosine(embed(ids), before[index]!)).sort((a, b) => a - b);
		machine.close();
		const {bytes, loss} = totalOf(chosen);
		console.log(
			`${((8 * bytes) / elements).toFixed(3)} bits, ${(bytes / 1e6).toFixed(2)} MB of weights: mean cosine ${mean(cosines).toFixed(5)}, ` +
				`worst ${cosines[0]!.toFixed(4)}, of ${cosines.length} sentences; predicted loss ${loss.toFixed(5)}`,
		);
	}
});

/** Sentences of a text as token ids, evenly spaced. */
function readSentences(name: string, count: number): number[][] {
	const found = findTokenizer(path.dirname(file!))!;
	const tokenizer = openTokenizer(found);
	const all = readFileSync(name, 'utf8')
		.split('\n')
		.filter(line => !line.trim().startsWith('='))
		.flatMap(line => line.split(/(?<= [.!?]) /))
		.map(sentence => sentence.trim())
		.filter(sentence => {
			const words = sentence.split(/\s+/).length;
			return words >= LEAST_WORDS && words <= MOST_WORDS;
		});
	return Array.from({length: Math.min(count, all.length)}, (_, index) => tokenizer.encode(all[Math.floor((index * all.length) / count)]!).slice(0, CONTEXT));
}

function mean(values: readonly number[]): number {
	return values.reduce((sum, value) => sum + value, 0) / values.length;
}
