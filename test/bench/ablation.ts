/**
 * What each part of a compile is worth: a language model at a number of bits a weight, all weights counted, with one thing changed at a
 * time; perplexity as a ratio to float, and the divergence from its predictions. The same allocator and the same sequential pass each time.
 *
 *   npm run bench -- ablation [--model NAME] [--bits 2.25,2.5] [--only 'NAME;NAME'] [--seen N] [--cache DIR] [--output DIR]
 *
 * --only takes some of the rows, by their names in the table. --seen is the number of calibration windows, that of a compile unless given.
 * Every figure goes to NAME.json in the output folder as soon as it is known, and is not measured again while the file has it; NAME.md and
 * NAME.svg show what the file has. Codes are judged by what they decode to.
 */
import {existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {parseArgs} from 'node:util';
import {allocate, totalOf} from '../../compiler/allocate/allocate.js';
import {floatModel, type FloatProgram} from '../../compiler/calibrate/float-program.js';
import type {Machine} from '../../compiler/calibrate/machine.js';
import type {Prediction} from '../../compiler/calibrate/predictor.js';
import {prepare, withMeans, type Prepared, type PrepareOptions} from '../../compiler/prepare.js';
import {compareOn, languageOptions, openLanguageModel, predictionsOn, type Comparison} from './quality/language-model.js';
import {setDecoded} from './quality/decoded.js';
import {projections, shareAtoms} from './quality/shared-atoms.js';
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
	...['trellis', 'planes', 'scalar', 'vptq', 'bitstack', 'nf4'].map(codec => [`only ${codec}`, {codecs: [codec]}] as const),
	['all, and bitstack and nf4', {codecs: ['planes', 'scalar', 'trellis', 'vptq', 'dense', 'bitstack', 'nf4']}],
	['all but trellis', {codecs: ['planes', 'scalar', 'vptq', 'dense']}],
	['balanced', {prefer: 'balanced'}],
	['rotated', {transforms: ['rotate-stream', 'part-siblings', 'band-tables']}],
	['not rotated', {transforms: ['part-siblings', 'band-tables']}],
	['rotated, tables whole', {transforms: ['rotate-stream', 'part-siblings']}],
	['rotated, siblings joined', {transforms: ['rotate-stream', 'band-tables']}],
	['not rotated, siblings joined', {transforms: ['band-tables']}],
	['no transform', {transforms: []}],
	['one weight at a time', {refine: false}],
	['only planes and scalar', {codecs: ['planes', 'scalar']}],
	...(['measured', 'lim', 'zd'] as const).map(allocation => [`allocation ${allocation}`, {allocation}] as const),
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
	const predicted = figure.predicted === null ? '' : `, predicted ${figure.predicted.toFixed(4)}`;
	console.error(
		`${figure.variant.padEnd(36)} ${figure.bits.toFixed(3)} bits  ${figure.perplexity.toFixed(3)}  ${figure.ratio.toFixed(4)}  ${figure.divergence.toFixed(4)} nats${predicted}`,
	);
};

/** What float predicts, whatever transforms it runs with. */
let wantedPredictions: readonly Prediction[] | undefined;

/** @param change Puts other values in the place of the weights. */
async function scoreWith(
	{typed, weights, positions}: Pick<Prepared, 'typed' | 'weights' | 'positions'>,
	change: (float: FloatProgram, machine: Machine) => Promise<void> | void,
): Promise<Comparison> {
	const float = floatModel(typed, weights, positions).program({sequence: language.context});
	const machine = await float.open();
	try {
		wantedPredictions ??= [...predictionsOn(language.held, float, machine)];
		await change(float, machine);
		return compareOn(language.held, wantedPredictions, predictionsOn(language.held, float, machine));
	} finally {
		machine.close();
	}
}

const optionsOf = (change: PrepareOptions): PrepareOptions => ({
	calibration: language.calibration,
	...(seen === null ? {} : {calibrationTokens: seen * language.context}),
	maxSequence: language.context,
	// What is compared are bits; the time of codes is another matter.
	prefer: 'quality',
	...(given.cache === undefined ? {} : {cache: given.cache}),
	...change,
});

const missingOf = (variant: string): number[] =>
	wanted.filter(bits => !figures.some(figure => figure.variant === variant && figure.wanted === bits && figure.seen === seen));

/** Whether a row is wanted. */
const isWanted = (variant: string): boolean => given.only === '' || given.only.split(';').includes(variant);

for (const [name, change] of variants.filter(([variant]) => isWanted(variant))) {
	const open = missingOf(name);
	if (open.length === 0) {
		continue;
	}

	const options = optionsOf(change);
	await withMeans(options, async means => {
		const {typed, weights, positions, candidates, patience, session} = await prepare(language.file, options, true, means);
		const elements = weights.reduce((sum, {rows, columns}) => sum + rows * columns, 0);
		for (const bits of open) {
			const chosen = allocate(candidates, Math.floor((bits * elements) / 8), {times: patience, candidates});
			if (!chosen) {
				console.error(`${name}: no choice of ${bits} bits`);
				continue;
			}

			const score = await scoreWith({typed, weights, positions}, async (float, machine) => setDecoded(float, machine, weights, chosen, session!));
			keep({
				variant: name,
				wanted: bits,
				seen,
				bits: (8 * totalOf(chosen).bytes) / elements,
				...score,
				predicted: totalOf(chosen).loss,
			});
		}
	});
}

/** Codes of atoms; as many atoms as the bits allow. */
const ATOM_BITS = [3, 4, 6] as const;

for (const code of ATOM_BITS) {
	const name = `atoms of ${code} bits shared by layers (MASA)`;
	const open = isWanted(name) ? missingOf(name) : [];
	if (open.length === 0) {
		continue;
	}

	const options = optionsOf({codecs: ['planes'], transforms: []});
	await withMeans(options, async means => {
		const {weights, session, ...model} = await prepare(language.file, options, true, means);
		const elements = weights.reduce((sum, {rows, columns}) => sum + rows * columns, 0);
		const whole = shareAtoms(weights, session!.calibration, 1, code);
		for (const bits of open) {
			// What no layer shares takes its bytes whatever the share.
			const alone = projections(weights).flatMap(layers => (layers.length === 1 ? layers : []));
			const fixed = (whole.bytes / elements) * alone.reduce((sum, {rows, columns}) => sum + rows * columns, 0);
			const share = ((bits * elements) / 8 - fixed) / (whole.bytes - fixed);
			if (share <= 0 || share > 1) {
				console.error(`${name}: no share of atoms makes ${bits} bits`);
				continue;
			}

			const shared = shareAtoms(weights, session!.calibration, share, code);
			const score = await scoreWith({...model, weights}, (float, machine) => {
				for (const weight of weights) {
					float.setValues(machine, weight, shared.values.get(weight.name)!);
				}
			});
			keep({variant: name, wanted: bits, seen, bits: (8 * shared.bytes) / elements, ...score, predicted: null});
		}
	});
}
