/**
 * Each method alone: perplexity of a language model whose decoder's linears all have one code, as a ratio to float. The rest stays in f32.
 *
 *   npm run bench -- methods [--model NAME] [--calibration FILE] [--text FILE] [--context N] [--windows N] [--only TEXT] [--json]
 *
 * Statistics are of 24 windows of the calibration text, in f32; weights are encoded with what they tell, one weight at a time. Bits are of
 * these linears alone. Codes are judged by what they decode to: rounding inside kernels is measured elsewhere.
 */
import {parseArgs} from 'node:util';
import {findWeights} from '../../compiler/allocate/weights.js';
import {importBounded} from '../../compiler/bounds.js';
import {calibrate} from '../../compiler/calibrate/calibrate.js';
import {openCalibrated} from '../../compiler/calibrate/factor.js';
import {floatModel, headProducts, productOf} from '../../compiler/calibrate/float-program.js';
import {bytesOfLayout, type Parameters} from '../../compiler/codecs/codec.js';
import {codecs} from '../../compiler/codecs/index.js';
import {optimize, transform} from '../../compiler/passes/optimize.js';
import {languageOptions, openLanguageModel, scoreOn} from './quality/language-model.js';

const {values: given} = parseArgs({options: {...languageOptions, only: {type: 'string', default: ''}, json: {type: 'boolean', default: false}}});

type Method = {readonly codec: string; readonly parameters: Parameters};

const planes = (bits: number, group: number): Method => ({codec: bits < 4 ? 'planes' : 'scalar', parameters: {bits, group}});

const methods: readonly Method[] = [
	...[2, 3, 4, 5, 8].flatMap(bits => [128, 64, 32].map(group => planes(bits, group))),
	...[2, 3, 4].map(bits => ({codec: 'trellis', parameters: {bits}})),
	{codec: 'vptq', parameters: {bits: 2, vector: 4, entries: 256}},
	...[1, 4, 16].flatMap(rank => [2, 3, 4, 5, 6].map(bits => ({codec: 'bitstack', parameters: {bits, rank}}))),
	{codec: 'nf4', parameters: {levels: 'nf4', bits: 4, group: 64}},
];

const nameOf = ({codec, parameters}: Method): string => [codec, ...Object.entries(parameters).map(([name, value]) => `${name}=${value}`)].join(' ');

const language = openLanguageModel(given);
const {context, held} = language;
const seen = language.windows(language.calibration, 24);
const {graph, positions} = importBounded(language.file, {maxSequence: context});

type Row = {readonly method: string; readonly transforms: string; readonly bits: number; readonly perplexity: number; readonly ratio: number};

const rows: Row[] = [];
for (const transforms of [[], undefined]) {
	const typed = transform(optimize(graph), transforms);
	const weights = findWeights(typed.graph);
	const model = floatModel(typed, weights, positions);
	const calibration = await calibrate(model, seen);
	const float = model.program({sequence: context});
	const machine = await float.open();
	const heads = new Set(headProducts(float.program).map(productOf));
	const linears = weights.filter(({name, products, constant}) => products > 0 && !heads.has(name) && constant.guarded !== true);
	const perplexity = scoreOn(held, float, machine);
	const reference = perplexity();
	const label = transforms ? 'none' : 'all';
	console.error(`float, transforms ${label}: ${reference.toFixed(4)}`);
	for (const method of methods.filter(each => nameOf(each).includes(given.only))) {
		const codec = codecs.get(method.codec)!;
		let [bytes, elements] = [0, 0];
		for (const weight of linears) {
			const opened = openCalibrated(weight, calibration.get(weight.name));
			const decoded = codec.decode(codec.encode(opened, method.parameters), weight, method.parameters, 0, weight.rows);
			float.setValues(machine, weight, decoded);
			bytes += bytesOfLayout(codec.layout(weight, method.parameters));
			elements += weight.rows * weight.columns;
		}

		const found = perplexity();
		const row = {method: nameOf(method), transforms: label, bits: (8 * bytes) / elements, perplexity: found, ratio: found / reference};
		rows.push(row);
		console.error(
			`${row.method.padEnd(36)} ${label.padEnd(5)} ${row.bits.toFixed(2).padStart(6)} bits  ${found.toFixed(3).padStart(9)}  ${row.ratio.toFixed(4)}`,
		);
	}

	machine.close();
}

if (given.json) {
	console.log(JSON.stringify(rows, undefined, '\t'));
}
