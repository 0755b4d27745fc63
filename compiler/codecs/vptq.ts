/**
 * Vector codes after VPTQ (arXiv 2409.17066): four rows of a column are one of 256 entries of the weight's own codebook, 2 bits a weight.
 * w = scale of the row × entry / 128, entries of bytes.
 *
 * Vectors lie along outputs, so that column feedback works as for integers. After a rotation rows look alike, so that one codebook serves
 * all: it starts as that of normal numbers, and follows what feedback makes of a sample of rows by k-means, each vector counted as what its
 * error costs. The layout is in `runtime-wasm/kernels/codebook.h`.
 */
import {float16At, float16ToFloat32, float32ToFloat16} from '../graph/half.js';
import {ENTRIES, means, normalEntries, round, VECTOR} from './codebook.js';
import {floatForm, type Codec, type Part, type Shape, type Weight} from './codec.js';
import {LARGEST_SCALE, LEAST_SCALE, requireFinite} from './integer-groups.js';
import {rowJobs} from './row-jobs.js';
import {pickRows} from './measure.js';

/** A codebook of this many entries for vectors of this length is log2(entries) / vector bits a weight. */
export type VptqParameters = {readonly bits: 2; readonly vector: 4; readonly entries: 256};

/** The largest byte of an entry. */
const TOP = 127;

/** Vectors for each entry from which on a codebook is fitted to the weight, and steps of k-means. */
const [ENOUGH, STEPS] = [32, 6];

/** Rows on which a codebook is fitted. */
const SAMPLE_ROWS = 256;

const blocks = ({rows}: Shape): number => Math.ceil(rows / 16);

const layout = (shape: Shape): Part[] => [
	{name: 'codes', bytes: blocks(shape) * shape.columns * 4},
	{name: 'scales', bytes: blocks(shape) * 32},
	{name: 'entries', bytes: VECTOR * ENTRIES},
];

/** Entries as bytes, and the size of one of them. */
function rounded(entries: Float32Array): {readonly bytes: Int8Array; readonly unit: number} {
	const unit = entries.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / TOP || 1;
	return {bytes: Int8Array.from(entries, value => Math.round(value / unit)), unit};
}

/** The root mean square of every row. */
function sizesOf({name, rows, columns, read}: Weight): Float64Array {
	const sizes = new Float64Array(rows);
	for (const {first, count} of rowJobs(rows, columns, 1)) {
		const values = read(first, count);
		requireFinite(name, values);
		for (let row = 0; row < count; row++) {
			let sum = 0;
			for (let at = row * columns; at < (row + 1) * columns; at++) {
				sum += values[at]! * values[at]!;
			}

			sizes[first + row] = Math.sqrt(sum / columns);
		}
	}

	return sizes;
}

/** Sizes times `unit` as bits of halfs. Kernels turn normal ones into f32 by a shift; rows below are nothing, with a scale of 0. */
const halfsOf = (sizes: Float64Array, unit: number): Uint16Array =>
	Uint16Array.from(sizes, size => (size * unit < LEAST_SCALE ? 0 : float32ToFloat16(Math.min(LARGEST_SCALE, size * unit))));

/** What halfs stand for. */
const scalesOf = (halfs: Uint16Array, unit: number): Float32Array => Float32Array.from(halfs, half => float16ToFloat32(half) / unit);

/** The codebook of normal numbers, moved to where feedback puts the vectors of a sample of blocks. */
function fitEntries(weight: Weight, scales: Float32Array): Float32Array {
	let entries = normalEntries();
	const step = Math.max(1, Math.floor(weight.rows / SAMPLE_ROWS));
	const count = Math.floor(Math.min(weight.rows, SAMPLE_ROWS) / VECTOR) * VECTOR;
	if ((count * weight.columns) / VECTOR < ENOUGH * ENTRIES) {
		return entries;
	}

	// Four neighbours from every share of the rows.
	const rows = Array.from({length: count}, (_, row) => VECTOR * step * Math.floor(row / VECTOR) + (row % VECTOR));
	const sample = pickRows(weight, rows);
	const sampled = Float32Array.from(rows, row => scales[row]!);
	for (let pass = 0; pass < STEPS; pass++) {
		entries = means(entries, round(sample, 0, count, sampled, entries).sums);
	}

	return entries;
}

export const vptq: Codec<VptqParameters> = {
	id: 'vptq',
	byName: 'always',
	sampleRows: SAMPLE_ROWS / 2,
	options: () => [{bits: 2, vector: 4, entries: 256}],
	layout,
	encode(weight) {
		const {rows, columns} = weight;
		const sizes = sizesOf(weight);
		const {bytes, unit} = rounded(fitEntries(weight, scalesOf(halfsOf(sizes, 1), 1)));
		// The scale of a row is of bytes over 128, and is rounded before codes are chosen.
		const halfs = halfsOf(sizes, 128 * unit);
		const scales = scalesOf(halfs, 128 * unit);
		const entries = Float32Array.from(bytes, value => value * unit);
		const [codes, scaleBytes] = layout(weight).map(({bytes: size}) => new Uint8Array(size)) as [Uint8Array, Uint8Array];
		new Uint16Array(scaleBytes.buffer).set(halfs);
		for (const {first, count} of rowJobs(rows, columns, 16)) {
			codes.set(round(weight, first, count, scales, entries, weight.feedback?.sweeps).codes, (first * columns) / 4);
		}

		return [codes, scaleBytes, new Uint8Array(bytes.buffer)];
	},
	decode([codes, scales, entries], {columns}, _, first, count) {
		const bytes = new Int8Array(entries!.buffer, entries!.byteOffset, VECTOR * ENTRIES);
		const out = new Float32Array(count * columns);
		for (let row = first, at = 0; row < first + count; row++) {
			const scale = float16At(scales!, row) / 128;
			const start = 4 * (row >> 4) * columns + ((row >> 2) & 3);
			for (let column = 0; column < columns; column++, at++) {
				out[at] = scale * bytes[VECTOR * codes![start + 4 * column]! + (row & 3)]!;
			}
		}

		return out;
	},
	kernels: () => ({
		form: floatForm,
		matvec: {kernel: 'matvec_codebook', numbers: {}, time: 122, scratch: () => 4 * VECTOR * ENTRIES},
		tile: {kernel: 'tile_codebook', numbers: {}, form: floatForm, time: 46, scratch: ({columns}) => 4 * (VECTOR * ENTRIES + 16 * columns)},
		row: {kernel: 'row_codebook', numbers: {}},
	}),
};
