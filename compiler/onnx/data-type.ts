/**
 * Element types of the file (`TensorProto.DataType`) and how they are held here.
 *
 * Integers of less than a byte are held as int8 and uint8, a byte each, so their values and not their packing survive import. Types
 * without arithmetic here (strings, complex numbers, floats of 8 bits and less) are refused by name.
 */
import {SnugError} from '../error.js';
import type {DType} from '../graph/dtype.js';

export type DataType = {
	readonly name: string;
	/** Bits of an element in the file. */
	readonly bits: number;
	/** Absent where the type cannot be held. */
	readonly dtype?: DType;
	readonly signed?: boolean;
};

export const dataTypes: Readonly<Record<number, DataType>> = {
	1: {name: 'float', bits: 32, dtype: 'float32'},
	2: {name: 'uint8', bits: 8, dtype: 'uint8'},
	3: {name: 'int8', bits: 8, dtype: 'int8'},
	4: {name: 'uint16', bits: 16, dtype: 'uint16'},
	5: {name: 'int16', bits: 16, dtype: 'int16'},
	6: {name: 'int32', bits: 32, dtype: 'int32'},
	7: {name: 'int64', bits: 64, dtype: 'int64'},
	8: {name: 'string', bits: 0},
	9: {name: 'bool', bits: 8, dtype: 'bool'},
	10: {name: 'float16', bits: 16, dtype: 'float16'},
	11: {name: 'double', bits: 64, dtype: 'float64'},
	12: {name: 'uint32', bits: 32, dtype: 'uint32'},
	13: {name: 'uint64', bits: 64, dtype: 'uint64'},
	14: {name: 'complex64', bits: 64},
	15: {name: 'complex128', bits: 128},
	16: {name: 'bfloat16', bits: 16, dtype: 'bfloat16'},
	17: {name: 'float8e4m3fn', bits: 8},
	18: {name: 'float8e4m3fnuz', bits: 8},
	19: {name: 'float8e5m2', bits: 8},
	20: {name: 'float8e5m2fnuz', bits: 8},
	21: {name: 'uint4', bits: 4, dtype: 'uint8', signed: false},
	22: {name: 'int4', bits: 4, dtype: 'int8', signed: true},
	23: {name: 'float4e2m1', bits: 4},
	24: {name: 'float8e8m0', bits: 8},
	25: {name: 'uint2', bits: 2, dtype: 'uint8', signed: false},
	26: {name: 'int2', bits: 2, dtype: 'int8', signed: true},
	27: {name: 'float6e2m3', bits: 6},
	28: {name: 'float6e3m2', bits: 6},
};

/** The type behind a number; refuses what cannot be held. `subject` names the tensor or value and its file. */
export function dataType(number: number, subject: string): DataType & {readonly dtype: DType} {
	const known = dataTypes[number];
	if (known?.dtype !== undefined) {
		return {...known, dtype: known.dtype};
	}

	const found = known ? `${known.name} (${number})` : number === 0 ? 'no data type (0)' : `data type ${number}`;
	throw new SnugError('unsupported-data-type', {
		subject,
		problem: known ? 'the element type has no arithmetic here' : 'unknown element type',
		expected: 'bool, an integer of 2 to 64 bits, float16, bfloat16, float or double',
		found,
		hint:
			known?.name === 'string'
				? 'do text processing outside the model'
				: known
					? 'convert the tensor to float or int8 before compiling'
					: 'the file may be damaged or newer than this compiler',
	});
}

/** Elements of less than a byte, lowest bits first, to a byte each. */
export function unpack(packed: Uint8Array, {bits, signed}: DataType, length: number): Int8Array | Uint8Array {
	const unpacked = signed ? new Int8Array(length) : new Uint8Array(length);
	const perByte = 8 / bits;
	const mask = (1 << bits) - 1;
	const shift = signed ? 32 - bits : 0;
	for (let index = 0; index < length; index++) {
		const code = (packed[Math.floor(index / perByte)]! >> ((index % perByte) * bits)) & mask;
		unpacked[index] = (code << shift) >> shift;
	}

	return unpacked;
}
