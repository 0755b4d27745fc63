/**
 * Resident state as the model's inputs and outputs see it: [heads, positions used, width] in the model's type, while memory holds
 * [heads, all positions, width] in the storage type; int8 with a scale of max|x| / 127 for each head and position.
 */
import type {StateEntry} from '../../compiler/bundle/format.js';
import {allocate} from '../../compiler/graph/dtype.js';
import {fromHalf, toHalf} from './half.js';
import {toFloats} from './memory.js';
import {valueOf} from './shape.js';
import type {Elements} from './tensor.js';

/** Views of a state's memory: the values in their storage type, and the scales of int8. */
function open(memory: WebAssembly.Memory, {storage, address, heads, positions, width, scales}: StateEntry) {
	const Storage = {float32: Float32Array, float16: Uint16Array, int8: Int8Array}[storage];
	return {
		values: new Storage(memory.buffer, address, heads * positions * width),
		scales: scales === undefined ? undefined : new Float32Array(memory.buffer, scales, heads * positions),
	};
}

/** The dimensions of the state when `used` positions are. */
export const stateDims = ({shape, axis}: StateEntry, used: number): number[] => shape.map((dim, index) => (index === axis ? used : valueOf(dim, {batch: 1})!));

export function writeState(memory: WebAssembly.Memory, state: StateEntry, given: Elements): void {
	const {heads, positions, width, axis, storage} = state;
	const used = given.dims[axis]!;
	const source = toFloats(given);
	const {values, scales} = open(memory, state);
	for (let head = 0; head < heads; head++) {
		for (let position = 0; position < used; position++) {
			const from = (head * used + position) * width;
			const row = source.subarray(from, from + width);
			const at = head * positions + position;
			if (storage === 'float32') {
				values.set(row, at * width);
			} else if (storage === 'float16') {
				values.set(row.map(toHalf), at * width);
			} else {
				const scale = row.reduce((top, value) => Math.max(top, Math.abs(value)), 0) / 127;
				scales![at] = scale;
				values.set(scale === 0 ? new Int8Array(width) : Int8Array.from(row, value => Math.round(value / scale)), at * width);
			}
		}
	}
}

export function readState(memory: WebAssembly.Memory, state: StateEntry, used: number): Elements {
	const {heads, positions, width, storage, dtype} = state;
	const {values, scales} = open(memory, state);
	const type = dtype as 'float32' | 'float16';
	const data = allocate(type, heads * used * width);
	for (let head = 0; head < heads; head++) {
		for (let position = 0; position < used; position++) {
			const at = head * positions + position;
			for (let index = 0; index < width; index++) {
				const held = values[at * width + index]!;
				const value = storage === 'float32' ? held : storage === 'float16' ? fromHalf(held) : held * scales![at]!;
				data[(head * used + position) * width + index] = type === 'float16' ? toHalf(value) : value;
			}
		}
	}

	return {type, data, dims: stateDims(state, used)};
}
