/**
 * Block floating point: 16-bit integers up to 5792 (2^12.5), with a unit in f32 for the 64 of a row that share it; relative to the largest of
 * them about as exact as f16. The tile kernel rounds vectors to the same, so that products are those of integers: twice as fast as f32, and
 * with the same bits on every processor. Large models are calibrated so. In a bundle, codes of 8 bits have half the bytes and lose next to
 * nothing, so it is offered by name alone.
 *
 * The layout is in `runtime-wasm/kernels/bfp.h`.
 */
import {kernels} from '../numeric/kernels.js';
import {floatForm, type Codec, type Part, type Shape} from './codec.js';
import {rowJobs} from './row-jobs.js';

/** Columns that share a unit, rows of a block, and the largest integer: 64 products of two such fit 32 bits. */
export const [BLOCK, ROWS, LIMIT] = [64, 8, 5792];

/** Bytes of vectors that the tile kernel rounds at once, and of four vectors' blocks. */
const [PANEL, VECTORS] = [65_536, 4 * (2 * BLOCK + 4)];

/** Blocks of columns, and of rows. */
const blocksOf = ({rows, columns}: Shape): readonly [columns: number, rows: number] => [Math.ceil(columns / BLOCK), Math.ceil(rows / ROWS)];

function layout(shape: Shape): Part[] {
	const [across, down] = blocksOf(shape);
	return [
		{name: 'codes', bytes: 2 * BLOCK * ROWS * across * down},
		{name: 'units', bytes: 4 * ROWS * across * down},
	];
}

/** The places of a row's unit for a block of columns and of its first integer; integers of two columns lie together, of the next two behind those of all rows. */
function placeOf(row: number, block: number, across: number): readonly [unit: number, code: number] {
	const unit = (Math.floor(row / ROWS) * across + block) * ROWS + (row % ROWS);
	return [unit, (unit - (row % ROWS)) * BLOCK + 2 * (row % ROWS)];
}

const offsetOf = (column: number): number => (column >> 1) * 2 * ROWS + (column & 1);

export const bfp: Codec = {
	id: 'bfp',
	byName: 'always',
	options: () => [{}],
	layout,
	encode(weight) {
		const {rows, columns} = weight;
		const parts = layout(weight).map(({bytes}) => new Uint8Array(bytes)) as [Uint8Array, Uint8Array];
		const run = kernels();
		for (const {first, count} of rowJobs(rows, columns, ROWS)) {
			const values = weight.read(first, count);
			const made = layout({rows: count, columns}).map(({bytes}) => bytes) as [number, number];
			const [w, ...places] = run.layOut(values.byteLength, ...made) as [number, number, number];
			new Float32Array(run.memory.buffer, w, values.length).set(values);
			run.call('encode_bfp', ...places, w, count, columns);
			for (const [index, part] of parts.entries()) {
				part.set(new Uint8Array(run.memory.buffer, places[index], made[index]), (made[index]! / Math.ceil(count / ROWS)) * (first / ROWS));
			}
		}

		return parts;
	},
	decode([codes, units], shape, _, first, count) {
		const {columns} = shape;
		const [across] = blocksOf(shape);
		const [integers, floats] = [new DataView(codes!.buffer, codes!.byteOffset), new DataView(units!.buffer, units!.byteOffset)];
		const out = new Float32Array(count * columns);
		for (let row = first, start = 0; row < first + count; row++, start += columns) {
			for (let column = 0; column < columns; column++) {
				const [unit, code] = placeOf(row, column >> 6, across);
				out[start + column] = integers.getInt16(2 * (code + offsetOf(column % BLOCK)), true) * floats.getFloat32(4 * unit, true);
			}
		}

		return out;
	},
	kernels: () => ({
		form: floatForm,
		matvec: {kernel: 'matvec_bfp', numbers: {}, time: 220},
		tile: {
			kernel: 'tile_bfp',
			numbers: {},
			form: floatForm,
			time: 26,
			scratch: shape => Math.max(PANEL, VECTORS * blocksOf(shape)[0]),
		},
		row: {kernel: 'row_bfp', numbers: {}},
	}),
};
