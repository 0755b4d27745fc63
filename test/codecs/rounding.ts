/** How far a kernel may be from decode × x because its input form is rounded: half a unit of every entry that it adds. */
import {float16At, float16ToFloat32} from '../../compiler/graph/half.js';
import {BLOCK, LIMIT} from '../../compiler/codecs/bfp.js';
import type {InputForm, Parameters} from '../../compiler/codecs/codec.js';
import type {Encoded} from './harness.js';

/** How far a matvec may be from decode × x. */
export const matvecBound = (encoded: Encoded<Parameters>, x: Float32Array, row: number): number =>
	roundingBound(encoded, encoded.codec.kernels(encoded.parameters).form, x, row) + tableBound(encoded, x, row);

/** How far a tile kernel may be from decode × x. */
export const tileBound = (encoded: Encoded<Parameters>, x: Float32Array, row: number): number =>
	roundingBound(encoded, encoded.codec.kernels(encoded.parameters).tile.form, x, row) + panelBound(encoded, x, row);

/** How far a matvec that rounds in its own tables may be: half a unit for each of the 16 entries of 64 columns, times what it is multiplied with. */
function tableBound({codec, parameters, parts, shape: {rows, columns}}: Encoded<Parameters>, x: Float32Array, row: number): number {
	if (codec.id !== 'bitstack') {
		return 0;
	}

	const [wide, tall] = [Math.ceil(columns / 64) * 64, Math.ceil(rows / 16) * 16];
	let bound = 0;
	for (let block = 0; block < Number(parameters['bits']); block++) {
		for (let k = 0; k < Number(parameters['rank']); k++) {
			const output = Math.abs(float16At(parts[3 * block + 1]!, k * tall + row));
			for (let start = 0; start < wide; start += 64) {
				const scaled = Array.from({length: 64}, (_, i) => (x[start + i] ?? 0) * float16At(parts[3 * block + 2]!, k * wide + start + i));
				bound += output * 16 * (largestSum(scaled) / 63 / 2);
			}
		}
	}

	return bound * 1.001;
}

/** How far a tile kernel may be that rounds vectors itself: half a unit of every input. */
function panelBound({codec, parameters, parts, shape}: Encoded<Parameters>, x: Float32Array, row: number): number {
	if (codec.id !== 'bfp') {
		return 0;
	}

	const weights = codec.decode(parts, shape, parameters, row, 1);
	let bound = 0;
	for (let start = 0; start < shape.columns; start += BLOCK) {
		const unit = largestOf(x.subarray(start, start + BLOCK)) / LIMIT;
		bound += (unit / 2) * weights.subarray(start, start + BLOCK).reduce((sum, weight) => sum + Math.abs(weight), 0);
	}

	return bound * 1.001;
}

/** @param form Of the kernel, as its id says. */
function roundingBound({codec, parameters, parts, shape: {columns}}: Encoded<Parameters>, form: InputForm, x: Float32Array, row: number): number {
	if (form.id === 'f32') {
		return 0;
	}

	const kind = /^(?:tile_)?(table|int8|int16)(?:x?\d+)?$/.exec(form.id)?.[1];
	if (kind === undefined) {
		throw new Error(`${form.id}: how it rounds is not known here`);
	}

	if (codec.id === 'trellis') {
		return trellisError(x, form.id === 'tile_int16' ? columns : 64, float16ToFloat32(parts[1]![row]! << 7) / 128);
	}

	const levels = 'levels' in parameters;
	const bits = Number(parameters['bits']);
	const group = Number(parameters['group']);
	const scales = parts.at(-2)!;
	const groups = Math.ceil(columns / group);
	const size = Math.min(group, 64);
	// A form without a size has one unit for the whole vector.
	const whole = form.id === 'tile_int16' ? x : undefined;
	let bound = 0;
	for (let start = 0; start < columns; start += size) {
		const index = ((row >> 4) * groups + Math.floor(start / group)) * 16 + (row & 15);
		const scale = float16At(scales, index);
		const block = Array.from({length: size}, (_, i) => x[start + i] ?? 0);
		bound +=
			scale *
			(kind === 'table' ? tableError(block, bits) : levels ? levelError(block) : integerError(whole ?? block, size, bits, kind === 'int8' ? 127 : 32_767));
	}

	return bound * 1.001;
}

/** Σ over planes and quads of 2^p × (unit / 2) × (half a unit of an entry), and half a 1/128 of a unit for each eighth of a zero point. */
function tableError(block: readonly number[], bits: number): number {
	const unit = largestSum(block) / 127;
	return (unit * (2 ** bits - 1) * (block.length / 4)) / 4 + (unit / 128 / 2) * 4 * (2 ** bits - 1);
}

/** Of the magnitudes of four neighbours. */
function largestSum(block: readonly number[]): number {
	let largest = 0;
	for (let i = 0; i < block.length; i += 4) {
		largest = Math.max(largest, Math.abs(block[i]!) + Math.abs(block[i + 1]!) + Math.abs(block[i + 2]!) + Math.abs(block[i + 3]!));
	}

	return largest;
}

/** @param size Entries that share a scale; `block`, those that share a unit. */
const integerError = (block: ArrayLike<number>, size: number, bits: number, top: number): number => (largestOf(block) / top / 2) * (2 ** bits - 1) * size;

const largestOf = (block: ArrayLike<number>): number => Array.from(block).reduce((largest, x) => Math.max(largest, Math.abs(x)), 0);

/** Levels are at most 1 and are rounded to 16 bits, inputs to 8. */
function levelError(block: readonly number[]): number {
	const unit = Math.max(...block.map(Math.abs)) / 127;
	return block.reduce((sum, x) => sum + unit / 2 + (Math.abs(x) + unit) / 2 / 32_767, 0);
}

/** Sums of two signed bytes are at most 256, and are multiplied with inputs of 16 bits that share a unit by `size`. */
function trellisError(x: Float32Array, size: number, scale: number): number {
	let bound = 0;
	for (let start = 0; start < x.length; start += size) {
		const block = x.subarray(start, start + size);
		bound += (largestOf(block) / 32_767 / 2) * 256 * block.length;
	}

	return scale * bound * 1.001;
}
