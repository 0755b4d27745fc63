/**
 * Weights as they are: f32, or rounded to f16. Blocks of 8 rows, in a block [columns][8]; rows past the end are zero.
 */
import {SnugError} from '../error.js';
import {float16ToFloat32, float32ToFloat16} from '../graph/half.js';
import {floatForm, type Codec, type Shape, type Weight} from './codec.js';
import {rowJobs} from './row-jobs.js';

export type DenseParameters = {readonly dtype: 'float16' | 'float32'};

const bytesOf = {float16: 2, float32: 4};

const suffix = {float16: 'f16', float32: 'f32'};

/** Rows of a block. */
const BLOCK = 8;

const paddedRows = ({rows}: Shape): number => Math.ceil(rows / BLOCK) * BLOCK;

/** The place of an element. */
const placeOf = (row: number, column: number, columns: number): number => (Math.floor(row / BLOCK) * columns + column) * BLOCK + (row % BLOCK);

/** Of rows from `first` on. @throws SnugError where f16 cannot hold an element. */
function toHalfs({name, columns}: Weight, first: number, values: Float32Array): Uint16Array {
	const out = new Uint16Array(values.length);
	for (let index = 0; index < values.length; index++) {
		const bits = float32ToFloat16(values[index]!);
		if ((bits & 0x7c00) === 0x7c00) {
			throw new SnugError('weight-out-of-range', {
				subject: `weight '${name}', row ${first + Math.floor(index / columns)}`,
				problem: 'f16 cannot hold an element',
				expected: 'magnitudes up to 65504',
				found: String(values[index]),
				hint: 'use float32 for this weight',
			});
		}

		out[index] = bits;
	}

	return out;
}

/** Rows from the first of a block on. */
function putInBlocks(out: Float32Array | Uint16Array, rows: Float32Array | Uint16Array, columns: number): void {
	for (let start = 0; start < rows.length; start += BLOCK * columns) {
		const present = Math.min(BLOCK, (rows.length - start) / columns);
		for (let column = 0; column < columns; column++) {
			const [from, to] = [start + column, start + column * BLOCK];
			for (let row = 0; row < present; row++) {
				out[to + row] = rows[from + row * columns]!;
			}
		}
	}
}

export const dense: Codec<DenseParameters> = {
	id: 'dense',
	options: () => [{dtype: 'float16'}, {dtype: 'float32'}],
	layout: (shape: Shape, {dtype}) => [{name: 'values', bytes: paddedRows(shape) * shape.columns * bytesOf[dtype]}],
	encode(weight, {dtype}) {
		const {rows, columns} = weight;
		const elements = paddedRows(weight) * columns;
		const out = dtype === 'float32' ? new Float32Array(elements) : new Uint16Array(elements);
		for (const {first, count} of rowJobs(rows, columns, BLOCK)) {
			const values = weight.read(first, count);
			putInBlocks(out.subarray(first * columns), dtype === 'float32' ? values : toHalfs(weight, first, values), columns);
		}

		return [new Uint8Array(out.buffer)];
	},
	decode(parts, {columns}, {dtype}, first, count) {
		const {buffer, byteOffset, byteLength} = parts[0]!;
		const bytes = new DataView(buffer, byteOffset, byteLength);
		const size = bytesOf[dtype];
		return Float32Array.from({length: count * columns}, (_, index) => {
			const at = size * placeOf(first + Math.floor(index / columns), index % columns, columns);
			return dtype === 'float32' ? bytes.getFloat32(at, true) : float16ToFloat32(bytes.getUint16(at, true));
		});
	},
	kernels({dtype}) {
		const name = suffix[dtype];
		return {
			form: floatForm,
			matvec: {kernel: `matvec_dense_${name}`, numbers: {}, time: dtype === 'float16' ? 534 : 200},
			tile: {kernel: `tile_dense_${name}`, numbers: {}, form: floatForm, time: 50, scratch: ({columns}) => (dtype === 'float16' ? 4 * BLOCK * columns : 0)},
			row: {kernel: `row_dense_${name}`, numbers: {}},
		};
	},
};
