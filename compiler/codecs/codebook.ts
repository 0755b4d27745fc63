/** Codebooks of vectors: 256 entries of four numbers, and how they are found. */
import type {Weight} from './codec.js';
import {createGenerator} from '../numeric/random.js';
import {kernels} from '../numeric/kernels.js';

export const ENTRIES = 256;
export const VECTOR = 4;

/** What `encode_codebook` reads: the first numbers of all entries, the second ones, …, then half the squares of their lengths. */
export type Book = Float32Array;

function bookOf(entries: Float32Array): Book {
	const book = new Float32Array((VECTOR + 1) * ENTRIES);
	for (let k = 0; k < ENTRIES; k++) {
		for (let i = 0; i < VECTOR; i++) {
			const value = entries[VECTOR * k + i]!;
			book[i * ENTRIES + k] = value;
			book[VECTOR * ENTRIES + k]! += (value * value) / 2;
		}
	}

	return book;
}

type Round = {readonly codes: Uint8Array; readonly sums: Float32Array};

/** Rows [first, first + count) in the units of `scales`, rounded to the entries. @param sweeps Of descent behind it, which sums know nothing of. */
export function round(weight: Weight, first: number, count: number, scales: Float32Array, entries: Float32Array, sweeps = 0): Round {
	const {columns, feedback} = weight;
	const rows = Math.ceil(count / 16) * 16;
	const run = kernels();
	const length = (VECTOR + 1) * ENTRIES;
	const factor = feedback?.byEnergy.factor;
	const gram = sweeps > 0 ? feedback?.gram : undefined;
	const stride = 4 * (48 * columns + 512);
	const [codes, sums, w, u, h, order, book, scratch] = run.layOut(
		(rows * columns) / 4,
		4 * length,
		4 * rows * columns,
		factor?.byteLength ?? 0,
		gram?.byteLength ?? 0,
		4 * columns,
		4 * length,
		stride * run.threads,
	) as [number, number, number, number, number, number, number, number];
	const {buffer} = run.memory;
	const values = weight.read(first, count);
	const staged = new Float32Array(buffer, w, rows * columns);
	staged.fill(0);
	for (let row = 0; row < count; row++) {
		const scale = scales[first + row]!;
		const inverse = scale === 0 ? 0 : 1 / scale;
		for (let column = 0, at = row * columns; column < columns; column++, at++) {
			staged[at] = values[at]! * inverse;
		}
	}

	if (factor) {
		new Float32Array(buffer, u, factor.length).set(factor);
	}

	new Int32Array(buffer, order, columns).set(feedback?.byEnergy.order ?? Int32Array.from({length: columns}, (_, column) => column));
	new Float32Array(buffer, book, length).set(bookOf(entries));
	new Float32Array(buffer, sums, length).fill(0);
	run.call('encode_codebook', codes, sums, w, factor ? u : 0, order, book, scratch, rows, count, columns);
	if (gram) {
		new Float32Array(buffer, h, gram.length).set(gram);
		run.call('descend_codebook', codes, w, h, book, {address: scratch, stride}, rows, columns, sweeps);
	}

	return {codes: new Uint8Array(buffer, codes, (rows * columns) / 4).slice(), sums: new Float32Array(buffer, sums, length).slice()};
}

/** One step of Lloyd's algorithm from what `encode_codebook` summed up: means, where anything came to an entry. */
export function means(entries: Float32Array, sums: Float32Array): Float32Array {
	return entries.map((value, index) => {
		const first = (VECTOR + 1) * Math.floor(index / VECTOR);
		const count = sums[first + VECTOR]!;
		return count > 0 ? sums[first + (index % VECTOR)]! / count : value;
	});
}

/** Samples and steps for the codebook that every other one starts from. */
const [SAMPLES, STEPS, SEED] = [1 << 15, 30, 4];

let normal: Float32Array | undefined;

/** The entries for independent normal numbers of variance 1, by k-means on samples (Linde, Buzo and Gray 1980); the same every time. */
export function normalEntries(): Float32Array {
	if (!normal) {
		const next = createGenerator(SEED);
		const samples = Float32Array.from({length: VECTOR * SAMPLES}, () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()));
		const [rows, columns] = [16, SAMPLES / 4];
		const weight: Weight = {name: 'samples', rows, columns, read: () => samples};
		const scales = new Float32Array(rows).fill(1);
		let entries: Float32Array = samples.slice(0, VECTOR * ENTRIES);
		for (let step = 0; step < STEPS; step++) {
			entries = means(entries, round(weight, 0, rows, scales, entries).sums);
		}

		normal = entries;
	}

	return normal;
}
