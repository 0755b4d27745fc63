/**
 * Weights as they are: f32, or rounded to f16. Row-major, rows not padded.
 */
import {SnugError} from '../error.js';
import {float16ToFloat32, float32ToFloat16} from '../graph/half.js';
import {floatForm, type Codec, type Shape, type Weight} from './codec.js';

export type DenseParameters = {readonly dtype: 'float16' | 'float32'};

const bytesOf = {float16: 2, float32: 4};

const suffix = {float16: 'f16', float32: 'f32'};

/** Weights read at a time. */
const JOB_WEIGHTS = 1 << 20;

function encodeHalf(weight: Weight, first: number, values: Float32Array, out: Uint16Array): void {
	for (const [index, value] of values.entries()) {
		const bits = float32ToFloat16(value);
		if ((bits & 0x7c00) === 0x7c00) {
			const row = first + Math.floor(index / weight.columns);
			throw new SnugError('weight-out-of-range', {
				subject: `weight '${weight.name}', row ${row}`,
				problem: 'f16 cannot hold an element',
				expected: 'magnitudes up to 65504',
				found: String(value),
				hint: 'use float32 for this weight',
			});
		}

		out[index] = bits;
	}
}

export const dense: Codec<DenseParameters> = {
	id: 'dense',
	options: () => [{dtype: 'float16'}, {dtype: 'float32'}],
	layout: ({rows, columns}: Shape, {dtype}) => [{name: 'values', bytes: rows * columns * bytesOf[dtype]}],
	encode(weight, {dtype}) {
		const {rows, columns} = weight;
		const out = new Uint8Array(rows * columns * bytesOf[dtype]);
		const step = Math.max(1, Math.floor(JOB_WEIGHTS / columns));
		for (let first = 0; first < rows; first += step) {
			const count = Math.min(step, rows - first);
			const values = weight.read(first, count);
			const at = first * columns * bytesOf[dtype];
			if (dtype === 'float32') {
				new Float32Array(out.buffer, at, count * columns).set(values);
			} else {
				encodeHalf(weight, first, values, new Uint16Array(out.buffer, at, count * columns));
			}
		}

		return [out];
	},
	decode(parts, {columns}, {dtype}, first, count) {
		// A copy, so that the elements are aligned wherever the part lies.
		const size = bytesOf[dtype];
		const {buffer} = new Uint8Array(parts[0]!.subarray(first * columns * size, (first + count) * columns * size));
		return dtype === 'float32' ? new Float32Array(buffer) : Float32Array.from(new Uint16Array(buffer), float16ToFloat32);
	},
	kernels({dtype}) {
		const name = suffix[dtype];
		return {
			form: floatForm,
			matvec: {kernel: `matvec_dense_${name}`, numbers: {}},
			tile: {kernel: `tile_dense_${name}`, numbers: {}, form: floatForm, scratch: ({columns}) => 64 * Math.ceil(columns / 4) * 4},
			row: {kernel: `row_dense_${name}`, numbers: {}},
		};
	},
};
