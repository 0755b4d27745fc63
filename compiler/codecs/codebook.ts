/** Codebooks of vectors: 256 entries of four numbers, and how they are found. */
import {createGenerator} from '../numeric/random.js';
import {kernels} from '../numeric/kernels.js';

export const ENTRIES = 256;
export const VECTOR = 4;

/** What `encode_codebook` reads: the first numbers of all entries, the second ones, …, then half the squares of their lengths. */
export type Book = Float32Array;

export function bookOf(entries: Float32Array): Book {
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
		let entries: Float32Array = samples.slice(0, VECTOR * ENTRIES);
		const run = kernels();
		const columns = SAMPLES / 4;
		for (let step = 0; step < STEPS; step++) {
			const [codes, sums, w, order, book, scratch] = run.layOut(
				SAMPLES,
				4 * (VECTOR + 1) * ENTRIES,
				samples.byteLength,
				4 * columns,
				4 * (VECTOR + 1) * ENTRIES,
				4 * (16 * columns + 512),
			) as [number, number, number, number, number, number];
			const {buffer} = run.memory;
			const summed = new Float32Array(buffer, sums, (VECTOR + 1) * ENTRIES);
			summed.fill(0);
			new Float32Array(buffer, w, samples.length).set(samples);
			new Int32Array(buffer, order, columns).set(Int32Array.from({length: columns}, (_, column) => column));
			new Float32Array(buffer, book, (VECTOR + 1) * ENTRIES).set(bookOf(entries));
			run.call('encode_codebook', codes, sums, w, 0, order, book, scratch, 16, 16, columns);
			entries = means(entries, summed);
		}

		normal = entries;
	}

	return normal;
}
