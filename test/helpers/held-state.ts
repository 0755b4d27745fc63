/** Resident key-value caches [heads, positions, width] for tests: filled from a past tensor, read back as a present one. */
import {bytesOf} from '../../compiler/graph/dtype.js';
import type {Tensor} from '../../compiler/graph/tensor.js';
import {float16ToFloat32, float32ToFloat16} from '../../compiler/graph/half.js';
import type {Operand, StateOperand} from '../../compiler/plan/lower-context.js';

export type HeldState = {readonly storage: StateOperand['storage']; readonly positions: number; readonly output: number};

export type Cache = {
	readonly operand: StateOperand;
	readonly data: Uint8Array;
	readonly scales?: Uint8Array;
	/** The first `length` positions of a cache's bytes as f32 [1, heads, length, width]. */
	read(data: Uint8Array, scales: Uint8Array | undefined, length: number): Float32Array;
};

/** Positions behind the past hold NaN or, in int8, −1 with a scale of NaN. */
export function openCache({storage, positions}: HeldState, past: Tensor, name: string): Cache {
	const [, heads, length, width] = past.dims as [number, number, number, number];
	const size = bytesOf(storage);
	const data = new Uint8Array(heads * positions * width * size).fill(0xff);
	const scales = storage === 'int8' ? new Uint8Array(4 * heads * positions).fill(0xff) : undefined;
	const [bytes, single] = [new DataView(data.buffer), scales && new DataView(scales.buffer)];
	for (let row = 0; row < heads * length; row++) {
		const at = Math.floor(row / length) * positions + (row % length);
		const values = (past.data as Float32Array).subarray(row * width, (row + 1) * width);
		const scale = values.reduce((top, value) => Math.max(top, Math.abs(value)), 0) / 127;
		single?.setFloat32(4 * at, scale, true);
		for (const [index, value] of values.entries()) {
			const place = (at * width + index) * size;
			if (storage === 'float32') {
				bytes.setFloat32(place, value, true);
			} else if (storage === 'float16') {
				bytes.setUint16(place, float32ToFloat16(value), true);
			} else {
				bytes.setInt8(place, scale > 0 ? Math.round(value / scale) : 0);
			}
		}
	}

	const place = (buffer: string): Operand => ({buffer, offset: 0, dtype: 'uint8', shape: []});
	return {
		operand: {storage, heads, positions, width, data: place(`state:${name}`), ...(scales ? {scales: place(`scales:${name}`)} : {})},
		data,
		...(scales ? {scales} : {}),
		read(held, factors, count) {
			const view = new DataView(held.buffer, held.byteOffset);
			const factor = factors && new DataView(factors.buffer, factors.byteOffset);
			const out = new Float32Array(heads * count * width);
			for (let index = 0; index < out.length; index++) {
				const row = Math.floor(index / width);
				const at = Math.floor(row / count) * positions + (row % count);
				const from = (at * width + (index % width)) * size;
				out[index] =
					storage === 'float32'
						? view.getFloat32(from, true)
						: storage === 'float16'
							? float16ToFloat32(view.getUint16(from, true))
							: view.getInt8(from) * factor!.getFloat32(4 * at, true);
			}

			return out;
		},
	};
}
