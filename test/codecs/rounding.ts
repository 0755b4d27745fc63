/** How far a matvec kernel may be from decode × x because its input form is rounded: half a unit of every entry that it adds. */
import {float16ToFloat32} from '../../compiler/graph/half.js';
import type {Parameters} from '../../compiler/codecs/codec.js';
import type {Encoded} from './harness.js';

export function roundingBound({codec, parameters, parts, shape: {columns}}: Encoded<Parameters>, x: Float32Array, row: number): number {
	if (codec.id === 'dense') {
		return 0;
	}

	const bits = Number(parameters['bits']);
	const group = Number(parameters['group']);
	const scales = parts.at(-2)!;
	const groups = Math.ceil(columns / group);
	const size = Math.min(group, 64);
	let bound = 0;
	for (let start = 0; start < columns; start += size) {
		const index = ((row >> 4) * groups + Math.floor(start / group)) * 16 + (row & 15);
		const scale = float16ToFloat32(scales[2 * index]! | (scales[2 * index + 1]! << 8));
		const block = Array.from({length: size}, (_, i) => x[start + i] ?? 0);
		bound += scale * (codec.id === 'planes' ? tableError(block, bits) : codec.id === 'nf4' ? levelError(block) : int8Error(block, bits));
	}

	return bound * 1.001;
}

/** Σ over planes and quads of 2^p × (unit / 2) × (half a unit of an entry); two planes of five have fine tables of 1/254. */
function tableError(block: readonly number[], bits: number): number {
	let largest = 0;
	for (let i = 0; i < block.length; i += 4) {
		largest = Math.max(largest, Math.abs(block[i]!) + Math.abs(block[i + 1]!) + Math.abs(block[i + 2]!) + Math.abs(block[i + 3]!));
	}

	const weight = bits < 5 ? 2 ** bits - 1 : 7 + 24 / 254;
	return ((largest / 127) * weight * (block.length / 4)) / 4;
}

const int8Error = (block: readonly number[], bits: number): number => (Math.max(...block.map(Math.abs)) / 127 / 2) * (2 ** bits - 1) * block.length;

/** Levels are at most 1 and are rounded to 16 bits, inputs to 8. */
function levelError(block: readonly number[]): number {
	const unit = Math.max(...block.map(Math.abs)) / 127;
	return block.reduce((sum, x) => sum + unit / 2 + (Math.abs(x) + unit) / 2 / 32_767, 0);
}
