/**
 * NumPy's file formats: `.npy` (one array) and `.npz` (a zip of them), little-endian. Arrays in Fortran order are converted to row-major.
 *
 * float16 keeps its bits; bfloat16, which NumPy does not have, is refused. Zip files are read with stored and deflated members, up to
 * 4 GiB; they are written deflated.
 * https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
import zlib from 'node:zlib';
import {SnugError} from './error.js';
import {allocate, bytesOf, view, type DType, type TypedArray} from './graph/dtype.js';
import {sizeOf, stridesOf, type Tensor} from './graph/tensor.js';

const descriptors: Readonly<Partial<Record<DType, string>>> = {
	float16: '<f2',
	float32: '<f4',
	float64: '<f8',
	int8: '|i1',
	uint8: '|u1',
	int16: '<i2',
	uint16: '<u2',
	int32: '<i4',
	uint32: '<u4',
	int64: '<i8',
	uint64: '<u8',
	bool: '|b1',
};

const MAGIC = '\u0093NUMPY';

/** @param subject Names the file, for messages. */
export function readNpy(bytes: Uint8Array, subject: string): Tensor {
	const latin1 = (start: number, end: number): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1', start, end);
	if (bytes.length < 10 || latin1(0, 6) !== MAGIC) {
		throw new SnugError('not-npy', {subject, problem: 'the file is no .npy array', expected: 'the signature \\x93NUMPY', found: JSON.stringify(latin1(0, 6))});
	}

	const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	const major = bytes[6]!;
	const start = major === 1 ? 10 : 12;
	const headerLength = major === 1 ? data.getUint16(8, true) : bytes.length < 12 ? Infinity : data.getUint32(8, true);
	if (major < 1 || major > 3 || start + headerLength > bytes.length) {
		throw new SnugError('not-npy', {subject, problem: 'the header of the .npy array is damaged', found: `version ${major}, ${bytes.length} bytes`});
	}

	const header = latin1(start, start + headerLength);
	const descriptor = /'descr'\s*:\s*'([^']*)'/.exec(header)?.[1];
	const shape = /'shape'\s*:\s*\(([\d\s,]*)\)/.exec(header)?.[1];
	const fortran = /'fortran_order'\s*:\s*(True|False)/.exec(header)?.[1] === 'True';
	if (shape === undefined) {
		throw new SnugError('not-npy', {subject, problem: 'the header of the .npy array has no shape', found: JSON.stringify(header.trim())});
	}

	const dims = shape
		.split(',')
		.map(part => part.trim())
		.filter(Boolean)
		.map(Number);
	const dtype = (Object.keys(descriptors) as DType[]).find(key => descriptors[key] === descriptor || descriptors[key]!.replace('|', '<') === descriptor);
	if (dtype === undefined) {
		throw new SnugError('npy-type', {
			subject,
			problem: 'unsupported element type',
			expected: Object.values(descriptors).join(', '),
			found: descriptor ?? JSON.stringify(header.trim()),
			hint: 'convert the array with .astype before saving it',
		});
	}

	const body = bytes.subarray(start + headerLength);
	const expected = sizeOf(dims) * bytesOf(dtype);
	if (body.length !== expected) {
		throw new SnugError('npy-length', {
			subject,
			problem: `the data does not match [${dims.join(', ')}] of ${dtype}`,
			expected: `${expected} bytes`,
			found: `${body.length} bytes`,
		});
	}

	const elements = view(dtype, body);
	return {dtype, dims, data: fortran ? fromColumnMajor(dtype, dims, elements) : elements};
}

function fromColumnMajor(dtype: DType, dims: readonly number[], data: TypedArray): TypedArray {
	const result = allocate(dtype, data.length);
	const strides = stridesOf(dims);
	const index = dims.map(() => 0);
	for (let at = 0; at < data.length; at++) {
		result[index.reduce((sum, value, axis) => sum + value * strides[axis]!, 0)] = data[at]!;
		for (let axis = 0; axis < dims.length && ++index[axis]! === dims[axis]; axis++) {
			index[axis] = 0;
		}
	}

	return result;
}

export function writeNpy({dtype, dims, data}: Tensor): Uint8Array {
	const descriptor = descriptors[dtype];
	if (descriptor === undefined) {
		throw new SnugError('npy-type', {subject: 'npy', problem: 'NumPy has no such element type', expected: Object.keys(descriptors).join(', '), found: dtype});
	}

	const shape = dims.length === 1 ? `(${dims[0]},)` : `(${dims.join(', ')})`;
	const text = `{'descr': '${descriptor}', 'fortran_order': False, 'shape': ${shape}, }`;
	// Data starts at a multiple of 64; the header ends in a newline.
	const header = text.padEnd(Math.ceil((10 + text.length + 1) / 64) * 64 - 11) + '\n';
	const start = Buffer.from(`${MAGIC}\u0001\u0000\u0000\u0000${header}`, 'latin1');
	start.writeUInt16LE(header.length, 8);
	return Buffer.concat([start, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]);
}

const END = 0x0605_4b50;
const CENTRAL = 0x0201_4b50;
const LOCAL = 0x0403_4b50;

/** The arrays by name, without `.npy`. */
export function readNpz(bytes: Uint8Array, subject: string): Map<string, Tensor> {
	const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	const damaged = (found: string): never => {
		throw new SnugError('not-npz', {subject, problem: 'the file is no .npz archive, or a damaged one', found});
	};

	// The end record is 22 bytes and a comment of at most 65,535.
	let end = file.length - 22;
	while (end >= Math.max(0, file.length - 22 - 65_535) && file.readUInt32LE(end) !== END) {
		end--;
	}

	if (end < 0 || file.readUInt32LE(end) !== END) {
		damaged('no end of central directory');
	}

	const arrays = new Map<string, Tensor>();
	let at = file.readUInt32LE(end + 16);
	for (let left = file.readUInt16LE(end + 10); left > 0; left--) {
		if (at + 46 > file.length || file.readUInt32LE(at) !== CENTRAL) {
			damaged(`no directory entry at byte ${at}`);
		}

		const method = file.readUInt16LE(at + 10);
		const packedSize = file.readUInt32LE(at + 20);
		const nameLength = file.readUInt16LE(at + 28);
		const local = file.readUInt32LE(at + 42);
		const name = file.toString('utf8', at + 46, at + 46 + nameLength);
		if (packedSize === 0xffff_ffff || local === 0xffff_ffff) {
			throw new SnugError('not-npz', {subject, problem: `the member ${name} is too large`, expected: 'less than 4 GiB'});
		}

		if (local + 30 > file.length || file.readUInt32LE(local) !== LOCAL) {
			damaged(`no member at byte ${local}`);
		}

		const start = local + 30 + file.readUInt16LE(local + 26) + file.readUInt16LE(local + 28);
		const packed = file.subarray(start, start + packedSize);
		if (packed.length !== packedSize || (method !== 0 && method !== 8)) {
			damaged(`member ${name}: method ${method}, ${packed.length} of ${packedSize} bytes`);
		}

		arrays.set(name.replace(/\.npy$/, ''), readNpy(method === 0 ? packed : inflate(packed, `${name} in ${subject}`), `${name} in ${subject}`));
		at += 46 + nameLength + file.readUInt16LE(at + 30) + file.readUInt16LE(at + 32);
	}

	return arrays;
}

function inflate(packed: Uint8Array, subject: string): Uint8Array {
	try {
		return zlib.inflateRawSync(packed);
	} catch (error) {
		throw new SnugError('not-npz', {subject, problem: 'the compressed data is damaged', found: error instanceof Error ? error.message : String(error)});
	}
}

export function writeNpz(arrays: ReadonlyMap<string, Tensor>): Uint8Array {
	const members: Uint8Array[] = [];
	const directory: Uint8Array[] = [];
	let offset = 0;
	for (const [key, array] of arrays) {
		const content = writeNpy(array);
		const packed = zlib.deflateRawSync(content);
		const name = Buffer.from(`${key}.npy`, 'utf8');
		// Version 2.0, UTF-8 names, deflated, the first day of 1980: the same arrays give the same bytes.
		const fields = Buffer.alloc(26);
		fields.writeUInt16LE(20, 0);
		fields.writeUInt16LE(0x0800, 2);
		fields.writeUInt16LE(8, 4);
		fields.writeUInt16LE(0x21, 8);
		fields.writeUInt32LE(crc32(content), 10);
		fields.writeUInt32LE(packed.length, 14);
		fields.writeUInt32LE(content.length, 18);
		fields.writeUInt16LE(name.length, 22);
		members.push(word(LOCAL), fields, name, packed);
		const place = Buffer.alloc(14);
		place.writeUInt32LE(offset, 10);
		directory.push(word(CENTRAL), Buffer.from([20, 0]), fields, place, name);
		offset += 30 + name.length + packed.length;
	}

	const directoryBytes = Buffer.concat(directory);
	const end = Buffer.alloc(18);
	end.writeUInt16LE(arrays.size, 4);
	end.writeUInt16LE(arrays.size, 6);
	end.writeUInt32LE(directoryBytes.length, 8);
	end.writeUInt32LE(offset, 12);
	return Buffer.concat([...members, directoryBytes, word(END), end]);
}

function word(value: number): Uint8Array {
	const bytes = Buffer.alloc(4);
	bytes.writeUInt32LE(value);
	return bytes;
}

/** CRC-32 of zip files, a nibble at a time. Node has its own only from version 22 on. */
function crc32(bytes: Uint8Array): number {
	const table = Uint32Array.from({length: 16}, (_, nibble) => {
		let value = nibble;
		for (let bit = 0; bit < 4; bit++) {
			value = value & 1 ? (value >>> 1) ^ 0xedb8_8320 : value >>> 1;
		}

		return value;
	});
	let crc = 0xffff_ffff;
	for (const byte of bytes) {
		crc ^= byte;
		crc = (crc >>> 4) ^ table[crc & 15]!;
		crc = (crc >>> 4) ^ table[crc & 15]!;
	}

	return ~crc >>> 0;
}
