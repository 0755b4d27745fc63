/**
 * What each part of a compile is worth: a language model at a number of bits a weight, all weights counted, with one thing changed at a
 * time; perplexity as a ratio to float. The same allocator and the same sequential pass each time.
 *
 *   npm run bench -- ablation [--model NAME] [--bits 2.25,2.5] [--only TEXT] [--seen N] [--cache DIR] [--output DIR]
 *
 * --seen is the number of calibration windows, that of a compile unless given. Every figure goes to NAME.json in the output folder as soon as it is known, and is not
 * measured again while the file has it; NAME.md and NAME.svg show what the file has. Codes are judged by what they decode to.
 */
import {existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {parseArgs} from 'node:util';
import {allocate, totalOf} from '../../compiler/allocate/allocate.js';
import {openCalibrated} from '../../compiler/calibrate/factor.js';
import {floatModel, partsOfValues} from '../../compiler/calibrate/float-program.js';
import {codecs} from '../../compiler/codecs/index.js';
import {prepare, withMeans, type PrepareOptions} from '../../compiler/prepare.js';
import {languageOptions, openLanguageModel, scoreOn} from './quality/language-model.js';
import {writeTable, type Figure} from './quality/table.js';

const {values: given} = parseArgs({
	options: {
		...languageOptions,
		bits: {type: 'string', default: '2.25,2.5,3,3.5,4,5'},
		only: {type: 'string', default: ''},
		seen: {type: 'string'},
		cache: {type: 'string'},
		output: {type: 'string', default: 'docs/ablation'},
	},
});

/** What is changed, and how; the first is the default. */
const variants: ReadonlyArray<readonly [name: string, change: PrepareOptions]> = [
	['all', {}],
	...['planes', 'scalar', 'vptq', 'bitstack', 'nf4'].map(codec => [`only ${codec}`, {codecs: [codec]}] as const),
	['all, and bitstack and nf4', {codecs: ['planes', 'scalar', 'vptq', 'dense', 'bitstack', 'nf4']}],
	['not rotated', {transforms: []}],
	['one weight at a time', {refine: false}],
	['one weight at a time, not rotated', {refine: false, transforms: []}],
	['only planes and scalar', {codecs: ['planes', 'scalar']}],
];

const language = openLanguageModel(given);
mkdirSync(given.output, {recursive: true});
const file = path.join(given.output, `${language.name}.json`);
const figures: Figure[] = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Figure[]) : [];
const wanted = given.bits.split(',').map(Number);
const seen = given.seen === undefined ? null : Number(given.seen);

const keep = (figure: Figure): void => {
	figures.push(figure);
	writeFileSync(file, `${JSON.stringify(figures, undefined, '\t')}\n`);
	writeTable(given.output, language.name, figures);
	console.error(
		`${figure.variant.padEnd(36)} ${figure.bits.toFixed(3)} bits  ${figure.perplexity.toFixed(3)}  ${figure.ratio.toFixed(4)}  predicted ${figure.predicted.toFixed(4)} nats, measured ${Math.log(figure.ratio).toFixed(4)}`,
	);
};

for (const [name, change] of variants.filter(([variant]) => variant.includes(given.only))) {
	const open = wanted.filter(bits => !figures.some(figure => figure.variant === name && figure.wanted === bits && figure.seen === seen));
	if (open.length === 0) {
		continue;
	}

	const options: PrepareOptions = {
		calibration: language.calibration,
		...(seen === null ? {} : {calibrationTokens: seen * language.context}),
		maxSequence: language.context,
		...(given.cache === undefined ? {} : {cache: given.cache}),
		...change,
	};
	await withMeans(options, async means => {
		const {typed, weights, positions, candidates, session} = await prepare(language.file, options, true, means);
		const elements = weights.reduce((sum, {rows, columns}) => sum + rows * columns, 0);
		for (const bits of open) {
			const chosen = allocate(candidates, Math.floor((bits * elements) / 8));
			if (!chosen) {
				console.error(`${name}: no choice of ${bits} bits`);
				continue;
			}

			const encoded = (await session!.refine(chosen))?.parts;
			const float = floatModel(typed, weights, positions).program(language.context);
			const machine = await float.open();
			const score = scoreOn(language.held, float, machine);
			const reference = score();
			for (const [index, weight] of weights.entries()) {
				const {codec: id, parameters} = chosen[index]!;
				const codec = codecs.get(id)!;
				const parts = encoded?.get(weight.name) ?? codec.encode(openCalibrated(weight, session!.calibration.get(weight.name)), parameters);
				const decoded = codec.decode(parts, weight, parameters, 0, weight.rows);
				machine.setWeight(weight.name, partsOfValues(weight, decoded));
			}

			const perplexity = score();
			machine.close();
			keep({
				variant: name,
				wanted: bits,
				seen,
				bits: (8 * totalOf(chosen).bytes) / elements,
				perplexity,
				ratio: perplexity / reference,
				predicted: totalOf(chosen).loss,
			});
		}
	});
}
