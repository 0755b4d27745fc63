/**
 * Work on one weight that depends on nothing else: a pure function of data that threads and machines can send each other. The same job
 * gives the same bytes wherever it runs.
 */
import {createFeedback} from '../calibrate/factor.js';
import type {Statistics} from '../calibrate/statistics.js';
import {codecs} from '../codecs/index.js';
import type {Parameters, Weight} from '../codecs/codec.js';
import {measure, pick, quadratic, squares} from '../codecs/measure.js';

/** Rows on which the error of an option is estimated. */
const SAMPLE_ROWS = 24;

/** A weight with all that codecs read of it. */
export type WeightData = {
	readonly name: string;
	readonly rows: number;
	readonly columns: number;
	/** Row-major. */
	readonly values: Float32Array;
	/** Of the inputs of its products. */
	readonly statistics?: Statistics;
	/** The codes of the model file, where it holds any. */
	readonly quantized?: {readonly bits: number; readonly group: number; readonly codes: Uint8Array; readonly scales: Float32Array; readonly zeros: Float32Array};
};

export type Choice = {readonly codec: string; readonly parameters: Parameters};

export type Job =
	/** What each option's error does to the outputs of the weight, or to itself without statistics. */
	| {readonly kind: 'measure'; readonly weight: WeightData; readonly options: readonly Choice[]}
	/** The parts of a code. */
	| {readonly kind: 'encode'; readonly weight: WeightData; readonly choice: Choice};

/** `energy` is what an error as large as the weight would count. */
export type Measured = {readonly energy: number; readonly errors: readonly number[]};

export type JobResult<J extends Job> = J extends {kind: 'measure'} ? Measured : readonly Uint8Array[];

/** @param source The weight, and the codes of a file as they are read. */
export function weightData(source: Weight, statistics: Statistics | undefined): WeightData {
	const {name, rows, columns, quantized} = source;
	return {
		name,
		rows,
		columns,
		values: source.read(0, rows),
		...(statistics && {statistics}),
		...(quantized && {
			quantized: {bits: quantized.bits, group: quantized.group, codes: quantized.codes(0, rows), scales: quantized.scales(), zeros: quantized.zeros()},
		}),
	};
}

function weightOf({name, rows, columns, values, statistics, quantized}: WeightData): Weight {
	return {
		name,
		rows,
		columns,
		read: (first, count) => values.subarray(first * columns, (first + count) * columns),
		...(statistics && {feedback: createFeedback(statistics, columns)}),
		...(quantized && {
			quantized: {
				bits: quantized.bits,
				group: quantized.group,
				codes: (first, count) => quantized.codes.subarray(first * columns, (first + count) * columns),
				scales: () => quantized.scales,
				zeros: () => quantized.zeros,
			},
		}),
	};
}

export function runJob<J extends Job>(job: J): JobResult<J>;
export function runJob(job: Job): JobResult<Job> {
	const weight = weightOf(job.weight);
	if (job.kind === 'encode') {
		return codecs.get(job.choice.codec)!.encode(weight, job.choice.parameters);
	}

	const {statistics} = job.weight;
	const known = new Map<string, number>();
	const errorOf = (choice: Choice): number => {
		const codec = codecs.get(choice.codec)!;
		const key = JSON.stringify(choice);
		const between = codec.errorBetween?.(choice.parameters)?.map(parameters => errorOf({codec: choice.codec, parameters})) as [number, number] | undefined;
		const error =
			known.get(key) ??
			(between && Math.sqrt(between[0] * between[1])) ??
			measure(codec, choice.parameters, weight, {sampleRows: codec.sampleRows ?? SAMPLE_ROWS, ...(statistics && {gram: statistics.gram})});
		known.set(key, error);
		return error;
	};

	return {energy: energyOf(weight, statistics), errors: job.options.map(errorOf)};
}

function energyOf(weight: Weight, statistics: Statistics | undefined): number {
	const {rows, columns} = weight;
	if (!statistics) {
		return squares(weight.read(0, rows)) || 1;
	}

	const sample = pick(weight, Math.min(rows, SAMPLE_ROWS));
	return (quadratic(sample.read(0, sample.rows), statistics.gram, columns) * rows) / sample.rows || 1;
}
