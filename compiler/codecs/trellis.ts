/**
 * Trellis-coded quantisation with a computed code, as in QTIP (arXiv 2406.11235): 1.5 to 4.5 bits a weight, in steps of half a bit.
 * w = scale of the row × v / 128, where v is a pseudo-random number, nearly normal, that the last 12 bits of the column's codes stand for:
 * those of this row and some of the rows before. Viterbi's algorithm finds the codes of a whole column that are best together. On normal
 * weights the error is 0.8 to 1.5 dB above what no code can do better; integers of as many bits have 2 to 3 dB more, as much as 0.4 bits are
 * worth.
 *
 * Where a width ends in a half, odd rows have one bit more than even ones, and the search spreads the gain over both. Steps between codes are
 * small so: of 2 and 3 bits in equal parts the error is a fifth larger than that of 2.5 bits.
 *
 * Sequences run along outputs, so that column feedback works as for integers, and any row can be read without the others. Descent behind
 * it, which integers and vectors have, left predictions of books-3m on another text as far off as they were.
 * The layout is in `runtime-wasm/kernels/trellis.h`.
 */
import {float16ToFloat32, float32ToFloat16} from '../graph/half.js';
import {kernels} from '../numeric/kernels.js';
import type {Codec, Part, Shape, Weight} from './codec.js';
import {padded, permute, stage} from './integer-groups.js';
import {jobRows, rowJobs} from './row-jobs.js';
import {integerForm, wideTileForm} from './scalar.js';

export type TrellisParameters = {readonly bits: 1.5 | 2 | 2.5 | 3 | 3.5 | 4 | 4.5};

const WIDTHS = [1.5, 2, 2.5, 3, 3.5, 4, 4.5] as const;

/** Bits of a window that count, what stands in front of the first row, and what windows are multiplied with; see the layout. */
const STATE_BITS = 12;
const STATES = 1 << STATE_BITS;
const LEADS: Readonly<Record<number, number>> = {1.5: 637, 2: 426, 2.5: 668, 3: 87, 3.5: 509, 4: 21, 4.5: 189};
const MULTIPLIERS: Readonly<Record<number, number>> = {1.5: 3085, 2: 3085, 2.5: 3085, 3: 2329, 3.5: 2329, 4: 1983, 4.5: 3085};

/** Scales are of v over this, so that halfs are normal for small weights too. */
const UNITS = 128;

/** Rows of a segment: those that are searched together, in shares of at most so many. */
const MOST_ROWS = 512;
const segmentRows = ({rows}: Shape): number => Math.ceil(Math.ceil(rows / Math.ceil(rows / MOST_ROWS)) / 16) * 16;

/** Columns of a block of the inputs' form. */
const BLOCK = 64;

function layout(shape: Shape, {bits}: TrellisParameters): Part[] {
	const {rows, columns} = padded(shape, BLOCK);
	return [
		{name: 'codes', bytes: (bits * rows * columns) / 8},
		{name: 'scales', bytes: rows},
	];
}

/**
 * The mean squared error of a weight t, in squares of UNIT v: near + far t² within reach, its distance beyond. Measured on normal numbers.
 */
const UNIT = 100;
const ERRORS: Readonly<Record<number, {readonly near: number; readonly far: number; readonly reach: number}>> = {
	1.5: {near: 0.105, far: 0.017, reach: 1.6},
	2: {near: 0.055, far: 0.0105, reach: 1.9},
	2.5: {near: 0.0285, far: 0.0065, reach: 2.15},
	3: {near: 0.0148, far: 0.004, reach: 2.37},
	3.5: {near: 0.0077, far: 0.0021, reach: 2.38},
	4: {near: 0.004, far: 0.0011, reach: 2.38},
	4.5: {near: 0.0021, far: 0.0006, reach: 2.38},
};

/** Sizes of weights, in root mean squares of their row: bins for each, and up to how many. */
const [BINS, LARGEST] = [8, 8];

/**
 * Nothing lies farther out than this, in v, where codes end at 256: what stands out in a row matters more to some models than its square
 * says (embeddings with an outlying dimension before a norm), and one that is cut off is lost.
 */
const FARTHEST = 320;

/** Root mean squares that a UNIT of v may be. */
const [LEAST_UNIT, LARGEST_UNIT] = [0.8, 1.94];

/** A scale in a byte: the upper one of a normal half, with 8 steps from one power of two to the next. */
const [LEAST_BYTE, LARGEST_BYTE] = [8, 247];
const byteOf = (scale: number): number => Math.min(LARGEST_BYTE, Math.max(LEAST_BYTE, (float32ToFloat16(scale) + 64) >> 7));
const scaleFrom = (byte: number): number => float16ToFloat32(byte << 7);
const LEAST = scaleFrom(LEAST_BYTE) / UNITS;

/** The scale of a row with the least expected error, in a byte. @param importance What an error of each column costs. */
function chooseScale(row: Float32Array, importance: Float32Array, bits: number): number {
	const {near, far, reach} = ERRORS[bits]!;
	let [total, sum, largest] = [0, 0, 0];
	for (let index = 0; index < row.length; index++) {
		const value = row[index]!;
		total += importance[index]!;
		sum += importance[index]! * value * value;
		largest = Math.max(largest, Math.abs(value));
	}

	const size = Math.sqrt(sum / total);
	if (!(size > 0)) {
		return LEAST_BYTE;
	}

	const counts = new Float64Array(BINS * LARGEST);
	for (let index = 0; index < row.length; index++) {
		counts[Math.min(counts.length - 1, Math.floor((BINS * Math.abs(row[index]!)) / size))]! += importance[index]!;
	}

	const byteOfUnit = (unit: number): number => byteOf((unit * size * UNITS) / UNIT);
	let [best, least] = [LEAST_BYTE, Infinity];
	for (let byte = byteOfUnit(LEAST_UNIT); byte <= byteOfUnit(LARGEST_UNIT); byte++) {
		const unit = (scaleFrom(byte) * UNIT) / UNITS / size;
		let error = 0;
		for (let bin = 0; bin < counts.length; bin++) {
			const t = (bin + 0.5) / BINS / unit;
			error += counts[bin]! * unit * unit * (near + far * Math.min(t, reach) ** 2 + Math.max(0, t - reach) ** 2);
		}

		if (error < least) {
			[best, least] = [byte, error];
		}
	}

	while (best < LARGEST_BYTE && scaleFrom(best) * FARTHEST < UNITS * largest) {
		best++;
	}

	return best;
}

/** What an error of each column costs once the columns behind it have made up for it, in the order of the weight. */
function importanceOf({columns, feedback}: Weight): Float32Array {
	const out = new Float32Array(columns).fill(1);
	if (!feedback) {
		return out;
	}

	const {order, factor} = feedback.byEnergy;
	for (const [at, column] of order.entries()) {
		out[column] = 1 / factor[at * columns + at]! ** 2;
	}

	return out;
}

const MATVEC_TIMES: Readonly<Record<number, number>> = {1.5: 95, 2: 95, 2.5: 100, 3: 102, 3.5: 106, 4: 108, 4.5: 112};

/** As kernels are named: h is half a bit. */
const nameOf = (bits: number): string => `${Math.floor(bits)}${bits % 1 === 0 ? '' : 'h'}`;

export const trellis: Codec<TrellisParameters> = {
	id: 'trellis',
	byName: 'unless timed',
	// The error of 15 weights of SmolLM2 in 2 bits came out 4.0 % too large in the mean, from 128 rows 3.6 %: the first of a segment lose more.
	sampleRows: 64,
	// Between whole bits every half takes the same part of the error away.
	errorBetween: ({bits}) => (bits === 2.5 ? [{bits: 2}, {bits: 3}] : bits === 3.5 ? [{bits: 3}, {bits: 4}] : undefined),
	options: () => WIDTHS.map(bits => ({bits})),
	layout,
	encode(weight, parameters) {
		const {bits} = parameters;
		const {rows, columns} = padded(weight, BLOCK);
		const inputs = weight.columns;
		const parts = layout(weight, parameters).map(({bytes}) => new Uint8Array(bytes)) as [Uint8Array, Uint8Array];
		const {feedback} = weight;
		const sorted = feedback?.byEnergy;
		const importance = importanceOf(weight);
		const run = kernels();
		const segment = segmentRows(weight);
		// As many segments at once as there are threads to take them, or several for each where they are small.
		const block = segment * run.threads;
		const most = Math.min(jobRows(columns, block), rows);
		const stride = 8 * STATES + segment * (4 * columns + 132 + (STATES >> Math.floor(bits)));
		const [w, codes, scales, typical, u, scratch, packed] = run.layOut(
			4 * most * columns,
			most * columns,
			4 * most,
			4 * Math.ceil(most / segment),
			sorted?.factor.byteLength ?? 0,
			stride * run.threads,
			(bits * most * columns) / 8,
		) as [number, number, number, number, number, number, number];
		const {buffer} = run.memory;
		if (sorted) {
			new Float32Array(buffer, u, sorted.factor.length).set(sorted.factor);
		}

		// Behind the columns of the weight lies what pads it.
		const order = Uint32Array.from({length: columns}, (_, column) => sorted?.order[column] ?? column);
		for (const {first, count} of rowJobs(rows, columns, block)) {
			const staged = new Float32Array(buffer, w, count * columns);
			stage(staged, weight, first, columns, columns);
			const rowScales = new Float32Array(buffer, scales, count);
			const bytes = parts[1].subarray(first, first + count);
			for (let row = 0; row < count; row++) {
				bytes[row] = chooseScale(staged.subarray(row * columns, row * columns + inputs), importance, bits);
				rowScales[row] = scaleFrom(bytes[row]!) / UNITS;
			}

			const medians = new Float32Array(buffer, typical, Math.ceil(count / segment));
			for (let index = 0; index < medians.length; index++) {
				// Rows of nothing are not typical.
				const some = rowScales
					.slice(index * segment, (index + 1) * segment)
					.filter(scale => scale > LEAST)
					.sort();
				medians[index] = some[some.length >> 1] ?? LEAST;
			}

			permute(staged, order, true);
			run.call(`encode_trellis${nameOf(bits)}`, codes, scales, typical, w, sorted ? u : 0, {address: scratch, stride}, count, columns, inputs, segment);
			permute(new Uint8Array(buffer, codes, count * columns), order, false);
			run.call('encode_pack_trellis', packed, codes, count, columns, 2 * bits);
			parts[0].set(new Uint8Array(buffer, packed, (bits * count * columns) / 8), (bits * first * columns) / 8);
		}

		return parts;
	},
	decode([codes, scales], shape, {bits}, first, count) {
		const octets = padded(shape, BLOCK).columns / 8;
		const segment = segmentRows(shape) / 16;
		const out = new Float32Array(count * shape.columns);
		const multiplier = MULTIPLIERS[bits]! << (16 - STATE_BITS);
		// Of 16 rows of 8 columns: words, 16 bytes for the columns side by side, and 8 of what is half a word.
		const size = 16 * bits;
		const words = Math.floor(bits);
		const wordAt = (octet: number, place: number, word: number): number =>
			word < words ? codes![octet + 16 * word + 2 * place]! | (codes![octet + 16 * word + 2 * place + 1]! << 8) : codes![octet + 16 * word + place]! << 8;
		const lastAt = (octet: number, place: number): number =>
			words === bits ? wordAt(octet, place, words - 1) : ((wordAt(octet, place, words - 1) << 8) & 0xff_ff) | codes![octet + 16 * words + place]!;
		for (let row = first, at = 0; row < first + count; row++) {
			const block = row >> 4;
			const end = Math.floor(bits * ((row & 15) + 1));
			const word = Math.ceil(end / 16) - 1;
			const scale = scaleFrom(scales![row]!) / UNITS;
			for (let column = 0; column < shape.columns; column++, at++) {
				// Inputs lie in the order 0 2 1 3.
				const place = (column & 4) | ((column & 1) << 1) | ((column >> 1) & 1);
				const octet = size * (block * octets + (column >> 3));
				const before = word > 0 ? wordAt(octet, place, word - 1) : block % segment > 0 ? lastAt(octet - size * octets, place) : LEADS[bits]!;
				const window = ((before << 16) | wordAt(octet, place, word)) >>> (16 * (word + 1) - end);
				const hash = Math.imul(window, multiplier);
				out[at] = scale * (((hash << 16) >> 24) + ((hash << 24) >> 24));
			}
		}

		return out;
	},
	kernels: ({bits}) => ({
		form: integerForm(BLOCK, 16),
		matvec: {kernel: `matvec_trellis${nameOf(bits)}`, numbers: {}, time: MATVEC_TIMES[bits]!},
		tile: {
			kernel: `tile_trellis${nameOf(bits)}`,
			numbers: {},
			form: wideTileForm,
			time: 28,
			scratch: shape => 32 * padded(shape, BLOCK).columns + 128,
		},
		row: {kernel: `row_trellis${nameOf(bits)}`, numbers: {}},
	}),
};
