/** The program's memory: reading and writing ports. Every address was checked against the memory when the manifest was read. */
import {view} from '../../compiler/graph/dtype.js';
import type {PortEntry} from '../../compiler/bundle/format.js';
import {SnugError} from '../../compiler/error.js';
import {dtypes} from '../../compiler/graph/dtype.js';
import {fromBrain, fromHalf} from './half.js';
import {formatBytes} from './size.js';
import {sizeOf, type Elements} from './tensor.js';
import type {DataType} from './types.js';

/** @param shared Whether threads want to share it; what comes may be unshared all the same. */
export function createMemory(bytes: number, shared: boolean): WebAssembly.Memory {
	const pages = bytes / 65_536;
	if (shared) {
		try {
			return new WebAssembly.Memory({initial: pages, maximum: pages, shared});
		} catch {
			// Some places have shared arrays but no shared memory, or not so much of it.
			return createMemory(bytes, false);
		}
	}

	try {
		return new WebAssembly.Memory({initial: pages, maximum: pages});
	} catch (error) {
		throw new SnugError(
			'no-memory',
			{subject: 'memory', problem: `this device refuses ${formatBytes(bytes)}`, hint: 'close other pages, or compile the model for a smaller budget'},
			{cause: error},
		);
	}
}

export const bytesAt = (memory: WebAssembly.Memory, address: number, bytes: number): Uint8Array => new Uint8Array(memory.buffer, address, bytes);

export function writePort(memory: WebAssembly.Memory, {name, address, bytes}: PortEntry, {data}: Elements): void {
	if (address < 0) {
		return;
	}

	if (data.byteLength > bytes) {
		throw new SnugError('bad-input', {
			subject: `input '${name}'`,
			problem: 'larger than its place',
			expected: `at most ${bytes} bytes`,
			found: String(data.byteLength),
		});
	}

	bytesAt(memory, address, data.byteLength).set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

/** A copy of what lies at a port. */
export function readPort(memory: WebAssembly.Memory, {name, address, bytes, dtype}: PortEntry, dims: readonly number[]): Elements {
	const type = dtype as DataType;
	const length = sizeOf(dims) * dtypes[type].bytes;
	if (length > bytes) {
		throw new SnugError('bad-output', {
			subject: `output '${name}'`,
			problem: 'larger than its place',
			expected: `at most ${bytes} bytes`,
			found: String(length),
		});
	}

	return {type, data: view(type, bytesAt(memory, address, length).slice()), dims};
}

/** Floating-point elements of any width as f32. */
export function toFloats({type, data}: Elements): Float32Array {
	if (data instanceof Float32Array) {
		return data;
	}

	return Float32Array.from(data as ArrayLike<number>, type === 'float16' ? fromHalf : type === 'bfloat16' ? fromBrain : Number);
}

export const isShared = (memory: WebAssembly.Memory): boolean =>
	typeof SharedArrayBuffer !== 'undefined' && (memory.buffer as ArrayBufferLike) instanceof SharedArrayBuffer;
