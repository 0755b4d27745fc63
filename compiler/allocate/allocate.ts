/** Which code for which weight: the options of the codecs, their bytes and losses, and the choice under a budget. */
import {openCalibrated} from '../calibrate/factor.js';
import type {Calibration, Sensitivities, Statistics} from '../calibrate/statistics.js';
import {bytesOfLayout, type Parameters, type Weight} from '../codecs/codec.js';
import {codecs} from '../codecs/index.js';
import {measure, pick, quadratic} from '../codecs/measure.js';
import {SnugError} from '../error.js';
import {choose} from './choose.js';
import type {GraphWeight} from './weights.js';

export type Option = {readonly codec: string; readonly parameters: Parameters; readonly bytes: number; readonly loss: number};

export type Candidates = ReadonlyArray<{readonly weight: GraphWeight; readonly options: readonly Option[]}>;

export type AllocateOptions = {
	/** Ids of codecs; unless given, all that need not be named. */
	readonly codecs?: readonly string[];
	/** Only options of so many bits. */
	readonly bits?: number;
	/** Statistics of the weights' inputs: errors are then counted by what they do to outputs. */
	readonly calibration?: Calibration | undefined;
	/** What a unit of such an error costs the model. */
	readonly sensitivities?: Sensitivities | undefined;
	readonly signal?: AbortSignal;
	onProgress?(done: number, total: number): void;
};

/** For matrices that everything passes through. */
const [GUARDED_CODECS, GUARDED_BITS] = [['scalar', 'dense'], 8] as const;

const guardedCodecs = (wanted: readonly string[]): readonly string[] => {
	const named = GUARDED_CODECS.filter(id => wanted.includes(id));
	return named.length > 0 ? named : GUARDED_CODECS;
};

/** Rows on which an option's error is estimated. */
const SAMPLE_ROWS = 24;

/**
 * Loss: where there is a calibration, the squared error of the weight's outputs times the sensitivity of the model to it; else the squared
 * error relative to the weight's own energy, times the number of weights, so that every weight counts alike.
 */
export function findOptions(weights: readonly GraphWeight[], options: AllocateOptions): Candidates {
	const wanted = options.codecs ?? [...codecs.values()].filter(({byName}) => !byName).map(({id}) => id);
	for (const id of wanted) {
		if (!codecs.has(id)) {
			throw new SnugError('unknown-codec', {subject: `codec '${id}'`, problem: 'there is none of that name', expected: [...codecs.keys()].join(', ')});
		}
	}

	return weights.map((weight, index) => {
		options.signal?.throwIfAborted();
		options.onProgress?.(index, weights.length);
		const statistics = options.calibration?.get(weight.name);
		const opened = openCalibrated(weight, statistics);
		const factor = options.sensitivities?.get(weight.name) ?? (weight.rows * weight.columns) / energyOf(opened, weight, statistics);
		const guarded = weight.constant.guarded === true && !(options.bits! >= GUARDED_BITS);
		const fits = (parameters: Parameters): boolean =>
			guarded ? bitsOf(parameters)! >= GUARDED_BITS : options.bits === undefined || bitsOf(parameters) === options.bits;
		const list = (guarded ? guardedCodecs(wanted) : wanted).flatMap(id => {
			const codec = codecs.get(id)!;
			return codec
				.options(weight)
				.filter(fits)
				.map(parameters => {
					const bytes = bytesOfLayout(codec.layout(weight, parameters));
					const loss = factor * measure(codec, parameters, opened, {sampleRows: SAMPLE_ROWS, ...(statistics && {gram: statistics.gram})});
					return {codec: id, parameters, bytes, loss};
				});
		});
		if (list.length === 0) {
			throw new SnugError('no-option', {
				subject: `weight '${weight.name}' [${weight.rows}, ${weight.columns}]`,
				problem: `no code of ${wanted.join(', ')} fits it${options.bits === undefined ? '' : ` with ${options.bits} bits`}`,
				hint: 'name more codecs with --codecs, or other --bits',
			});
		}

		return {weight, options: list};
	});
}

const TYPE_BITS: Readonly<Record<string, number>> = {float32: 32, float16: 16, f32: 32, f16: 16};

const bitsOf = (parameters: Parameters): number | undefined =>
	typeof parameters['bits'] === 'number' ? parameters['bits'] : TYPE_BITS[String(parameters['type'] ?? parameters['dtype'])];

function energyOf(opened: Weight, {rows, columns}: GraphWeight, statistics: Statistics | undefined): number {
	if (statistics) {
		const sample = pick(opened, Math.min(rows, SAMPLE_ROWS));
		return (quadratic(sample.read(0, sample.rows), statistics.gram, columns) * rows) / sample.rows || 1;
	}

	const data = opened.read(0, rows);
	let sum = 0;
	for (let i = 0; i < rows * columns; i++) {
		sum += data[i]! * data[i]!;
	}

	return sum || 1;
}

/** @returns the chosen option of each candidate, or undefined when even the smallest do not fit. */
export function allocate(candidates: Candidates, budget: number): Option[] | undefined {
	const chosen = choose(
		candidates.map(({options}) => options),
		budget,
	);
	return chosen?.map((option, index) => candidates[index]!.options[option]!);
}

/** The option with the fewest bytes of each candidate. */
export const smallest = (candidates: Candidates): Option[] => candidates.map(({options}) => options.reduce((a, b) => (b.bytes < a.bytes ? b : a)));
