/** Element types, named as ONNX Runtime's JavaScript API names them, with their size in memory. */

export const dtypes = {
	float32: {bytes: 4, array: Float32Array},
	float64: {bytes: 8, array: Float64Array},
	float16: {bytes: 2, array: Uint16Array},
	bfloat16: {bytes: 2, array: Uint16Array},
	int8: {bytes: 1, array: Int8Array},
	uint8: {bytes: 1, array: Uint8Array},
	int16: {bytes: 2, array: Int16Array},
	uint16: {bytes: 2, array: Uint16Array},
	int32: {bytes: 4, array: Int32Array},
	uint32: {bytes: 4, array: Uint32Array},
	int64: {bytes: 8, array: BigInt64Array},
	uint64: {bytes: 8, array: BigUint64Array},
	bool: {bytes: 1, array: Uint8Array},
} as const;

export type DType = keyof typeof dtypes;

/** float16 and bfloat16 are held as their bit patterns (Uint16Array), bool as 0 and 1 (Uint8Array). */
export type TypedArray =
	Float32Array | Float64Array | Uint16Array | Int8Array | Uint8Array | Int16Array | Int32Array | Uint32Array | BigInt64Array | BigUint64Array;

export const bytesOf = (dtype: DType): number => dtypes[dtype].bytes;

export const isFloat = (dtype: DType): boolean => dtype === 'float32' || dtype === 'float64' || dtype === 'float16' || dtype === 'bfloat16';

/** A zeroed array for `length` elements. */
export const allocate = (dtype: DType, length: number): TypedArray => new dtypes[dtype].array(length);

/** The same bytes as elements of `dtype`; copies when the offset is not aligned. */
export function view(dtype: DType, bytes: Uint8Array): TypedArray {
	const {bytes: size, array: Type} = dtypes[dtype];
	// The constructor copies; `slice` of a Node Buffer would not.
	const aligned = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
	return new Type(aligned.buffer as ArrayBuffer, aligned.byteOffset, Math.floor(aligned.byteLength / size));
}
