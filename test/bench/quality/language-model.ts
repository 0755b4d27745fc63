/** A language model for benchmarks of quality: its file, its texts as windows, and the perplexity of a machine on one of them. */
import path from 'node:path';
import {findText as findTokenizer} from '../../../compiler/bundle/text.js';
import type {FloatProgram} from '../../../compiler/calibrate/float-program.js';
import type {Machine} from '../../../compiler/calibrate/machine.js';
import {createRunner, type Prediction} from '../../../compiler/calibrate/predictor.js';
import {symbolsOf} from '../../../compiler/calibrate/run-inputs.js';
import {readWindows} from '../../../compiler/calibrate/text.js';
import {createScorer} from '../../../compiler/evaluate.js';
import {findModel, findText, missing} from '../../helpers/models.js';

/** Command-line options of these benchmarks; texts and windows are those of the model unless given. */
export const languageOptions = {
	model: {type: 'string', default: 'books-3m'},
	calibration: {type: 'string'},
	text: {type: 'string'},
	context: {type: 'string'},
	windows: {type: 'string'},
} as const;

type Texts = {readonly calibration: string; readonly text: string; readonly context: number; readonly windows: number};

/** What the project's figures are measured on; the calibration text is never the one that is scored. */
const texts: Readonly<Record<string, Texts>> = {
	'books-3m': {calibration: 'books-calib.txt', text: 'books-valid.txt', context: 256, windows: 24},
	'smollm2-135m': {calibration: 'wikitext2-valid.txt', text: 'wikitext2-test.txt', context: 512, windows: 12},
};

export type LanguageModel = {
	readonly name: string;
	readonly file: string;
	readonly context: number;
	/** The calibration text. */
	readonly calibration: string;
	/** Windows of any text. @param count At most. */
	windows(file: string, count: number): number[][];
	/** Windows of the text that is scored. */
	readonly held: ReadonlyArray<readonly number[]>;
};

export function openLanguageModel(given: {readonly model: string; readonly [name: string]: string | boolean | undefined}): LanguageModel {
	const file = findModel(given.model);
	if (file === undefined) {
		throw new Error(missing(given.model));
	}

	const known = texts[given.model] ?? texts['books-3m']!;
	const find = (name: 'calibration' | 'text'): string => {
		const named = given[name] as string | undefined;
		const found = named ?? findText(known[name]);
		if (found === undefined) {
			throw new Error(missing(known[name]));
		}

		return found;
	};

	const context = Number(given['context'] ?? known.context);
	const folder = path.dirname(file);
	const windows = (text: string, count: number): number[][] => readWindows(text, findTokenizer(folder), {context, windows: count});
	return {name: given.model, file, context, calibration: find('calibration'), windows, held: windows(find('text'), Number(given['windows'] ?? known.windows))};
}

export type Comparison = {
	readonly perplexity: number;
	/** Of perplexity to that of float. */
	readonly ratio: number;
	/** Mean Kullback-Leibler divergence from the predictions of float, in nats. Tells weights apart that perplexity does not: chance moves both models alike. */
	readonly divergence: number;
};

/** The predictions on each of the windows, of every token. */
export function* predictionsOn(windows: ReadonlyArray<readonly number[]>, float: FloatProgram, machine: Machine): Generator<Prediction> {
	const run = createRunner(float, machine, symbolsOf(windows[0]!), 0);
	for (const ids of windows) {
		yield run(ids);
	}
}

/** Predictions on the windows against those of float. */
export function compareOn(windows: ReadonlyArray<readonly number[]>, wanted: readonly Prediction[], predictions: Iterable<Prediction>): Comparison {
	const [reference, actual] = [createScorer(), createScorer()];
	let index = 0;
	for (const prediction of predictions) {
		const [ids, exact] = [windows[index]!, wanted[index]!];
		for (const [at, logits] of prediction.slice(0, -1).entries()) {
			reference.add(exact[at]!, ids[at + 1]!);
			actual.add(logits, ids[at + 1]!, exact[at]);
		}

		index++;
	}

	const {perplexity, kl} = actual.score();
	return {perplexity, ratio: perplexity / reference.score().perplexity, divergence: kl!};
}

/** @returns a function that scores the weights that the machine has when it is called. */
export function scoreOn(windows: ReadonlyArray<readonly number[]>, float: FloatProgram, machine: Machine): () => number {
	return () => {
		const scorer = createScorer();
		let index = 0;
		for (const prediction of predictionsOn(windows, float, machine)) {
			const ids = windows[index++]!;
			for (const [at, logits] of prediction.slice(0, -1).entries()) {
				scorer.add(logits, ids[at + 1]!);
			}
		}

		return scorer.score().perplexity;
	};
}
