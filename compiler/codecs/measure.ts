/**
 * The squared error of a code, Σ(w − ŵ)², judged from `decode` alone and estimated on evenly spaced rows.
 */
import type {QuantizedSource} from '../graph/tensor.js';
import type {Codec, Parameters, Weight} from './codec.js';

export type MeasureOptions = {
	/** Rows that are encoded; all of them where the weight has no more. */
	readonly sampleRows: number;
};

export function measure(codec: Codec, parameters: Parameters, weight: Weight, {sampleRows}: MeasureOptions): number {
	const sample = sampleRows < weight.rows ? pick(weight, sampleRows) : weight;
	const parts = codec.encode(sample, parameters);
	const step = Math.max(1, Math.floor((1 << 20) / sample.columns));
	let error = 0;
	for (let first = 0; first < sample.rows; first += step) {
		const count = Math.min(step, sample.rows - first);
		const wanted = sample.read(first, count);
		const got = codec.decode(parts, sample, parameters, first, count);
		for (let i = 0; i < wanted.length; i++) {
			const difference = wanted[i]! - got[i]!;
			error += difference * difference;
		}
	}

	return error * (weight.rows / sample.rows);
}

/** A weight of `count` rows, evenly spaced, each from the middle of its share. */
function pick(weight: Weight, count: number): Weight {
	const rows = Array.from({length: count}, (_, index) => Math.floor(((index + 0.5) * weight.rows) / count));
	const {columns, quantized} = weight;
	const sample: Weight = {
		name: weight.name,
		rows: count,
		columns,
		read(first, wanted) {
			const out = new Float32Array(wanted * columns);
			for (let i = 0; i < wanted; i++) {
				out.set(weight.read(rows[first + i]!, 1), i * columns);
			}

			return out;
		},
	};
	return quantized ? {...sample, quantized: pickCodes(quantized, rows, columns)} : sample;
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
