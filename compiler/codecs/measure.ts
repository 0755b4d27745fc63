/**
 * The squared error of a code, Σ(w − ŵ)², judged from `decode` alone and estimated on evenly spaced rows, and on the few in which something
 * stands out most: these may lose more than all others, and stand for themselves.
 */
import type {QuantizedSource} from '../graph/tensor.js';
import {kernels} from '../numeric/kernels.js';
import type {Codec, Parameters, Weight} from './codec.js';
import {rowJobs} from './row-jobs.js';

export type MeasureOptions = {
	/** The Gram matrix of the inputs: the error is then that of the outputs, Σ d H dᵀ over the rows d of w − ŵ. */
	readonly gram?: Float32Array;
	/** Rows that are encoded; all of them where the weight has no more. */
	readonly sampleRows: number;
};

export function measure(codec: Codec, parameters: Parameters, weight: Weight, {sampleRows, gram}: MeasureOptions): number {
	if (sampleRows >= weight.rows) {
		return errorsOf(codec, parameters, weight, gram)(0, weight.rows);
	}

	const peaks = peaksOf(weight);
	const others = Array.from({length: weight.rows}, (_, row) => row).filter(row => !peaks.includes(row));
	const spaced = spacedOf(others.length, Math.max(0, sampleRows - peaks.length)).map(index => others[index]!);
	const sample = pickRows(weight, [...peaks, ...spaced]);
	const errorOf = errorsOf(codec, parameters, sample, gram);
	return errorOf(0, peaks.length) + errorOf(peaks.length, sample.rows) * (others.length / spaced.length);
}

/** Encodes the weight. @returns the error of its rows [from, end). */
function errorsOf(codec: Codec, parameters: Parameters, weight: Weight, gram: Float32Array | undefined): (from: number, end: number) => number {
	const parts = codec.encode(weight, parameters);
	return (from, end) => {
		let error = 0;
		for (const {first, count} of rowJobs(end - from, weight.columns, 1)) {
			const wanted = weight.read(from + first, count);
			const got = codec.decode(parts, weight, parameters, from + first, count);
			for (let i = 0; i < wanted.length; i++) {
				got[i] = wanted[i]! - got[i]!;
			}

			error += gram ? quadratic(got, gram, weight.columns) : squares(got);
		}

		return error;
	};
}

/** Rows that stand for themselves. */
const PEAKS = 4;

const knownPeaks = new WeakMap<Weight, readonly number[]>();

/** The rows whose largest element is largest beside the root mean square of the row. */
function peaksOf(weight: Weight): readonly number[] {
	const known = knownPeaks.get(weight);
	if (known) {
		return known;
	}

	const {rows, columns} = weight;
	const ratios = new Float64Array(rows);
	for (const {first, count} of rowJobs(rows, columns, 1)) {
		const values = weight.read(first, count);
		for (let row = 0; row < count; row++) {
			let [most, sum] = [0, 0];
			for (let at = row * columns; at < (row + 1) * columns; at++) {
				const square = values[at]! * values[at]!;
				most = Math.max(most, square);
				sum += square;
			}

			ratios[first + row] = sum > 0 ? most / sum : 0;
		}
	}

	const peaks = Array.from({length: rows}, (_, row) => row)
		.sort((a, b) => ratios[b]! - ratios[a]! || a - b)
		.slice(0, PEAKS);
	knownPeaks.set(weight, peaks);
	return peaks;
}

/** Σ d dᵀ over all rows. */
export function squares(rows: Float32Array): number {
	let sum = 0;
	for (const value of rows) {
		sum += value * value;
	}

	return sum;
}

/** Σ d H dᵀ over the rows d of `columns` elements. */
export function quadratic(rows: Float32Array, gram: Float32Array, columns: number): number {
	const run = kernels();
	const count = rows.length / columns;
	const [loss, d, h] = run.layOut(4 * count, rows.byteLength, gram.byteLength) as [number, number, number];
	const {buffer} = run.memory;
	new Float32Array(buffer, d, rows.length).set(rows);
	new Float32Array(buffer, h, gram.length).set(gram);
	run.call('quadratic_f32', loss, d, h, count, columns);
	return new Float32Array(buffer, loss, count).reduce((sum, value) => sum + value, 0);
}

/** A weight of `count` rows, evenly spaced, each from the middle of its share. */
export const pick = (weight: Weight, count: number): Weight => pickRows(weight, spacedOf(weight.rows, count));

const spacedOf = (rows: number, count: number): number[] => Array.from({length: count}, (_, index) => Math.floor(((index + 0.5) * rows) / count));

/** A weight of these rows. */
export function pickRows(weight: Weight, rows: readonly number[]): Weight {
	const {columns, quantized} = weight;
	const sample: Weight = {
		name: weight.name,
		rows: rows.length,
		columns,
		read(first, wanted) {
			const out = new Float32Array(wanted * columns);
			for (let i = 0; i < wanted; i++) {
				out.set(weight.read(rows[first + i]!, 1), i * columns);
			}

			return out;
		},
	};
	const {feedback} = weight;
	return {...sample, ...(feedback && {feedback}), ...(quantized && {quantized: pickCodes(quantized, rows, columns)})};
}

function pickCodes(source: QuantizedSource, rows: readonly number[], columns: number): QuantizedSource {
	const groups = Math.ceil(columns / source.group);
	const select = (values: Float32Array): Float32Array => {
		const out = new Float32Array(rows.length * groups);
		for (const [index, row] of rows.entries()) {
			out.set(values.subarray(row * groups, (row + 1) * groups), index * groups);
		}

		return out;
	};

	return {
		bits: source.bits,
		group: source.group,
		codes(first, count) {
			const out = new Uint8Array(count * columns);
			for (let i = 0; i < count; i++) {
				out.set(source.codes(rows[first + i]!, 1), i * columns);
			}

			return out;
		},
		scales: () => select(source.scales()),
		zeros: () => select(source.zeros()),
	};
}
