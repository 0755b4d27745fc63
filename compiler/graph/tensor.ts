import {allocate, type DType, type TypedArray} from './dtype.js';

/** A tensor with its data, row-major. What `evaluate` takes and returns. */
export type Tensor = {
	readonly dtype: DType;
	readonly dims: readonly number[];
	readonly data: TypedArray;
};

/** A tensor of the model file. `read` fetches the data anew each time, so that no copy of a large weight outlives its use. */
export type Constant = {
	readonly dtype: DType;
	readonly dims: readonly number[];
	/** Names the bytes: equal identities mean equal data. Undefined where it is not known cheaply. */
	readonly identity?: string;
	read(): TypedArray;
	/** A small matrix through which everything passes: it is kept in 8 bits and more. */
	readonly guarded?: true;
	/** For a matrix [rows, columns] that the model file holds as integer codes: the codes themselves. */
	readonly quantized?: QuantizedSource;
};

/** w = scale × (code − zero), scales and zeros per row and group of `group` columns. */
export type QuantizedSource = {
	readonly bits: number;
	readonly group: number;
	/** Codes of rows `first` to `first + count`, a byte each. */
	codes(first: number, count: number): Uint8Array;
	/** [rows, columns / group], f32. */
	scales(): Float32Array;
	/** [rows, columns / group], in units of codes. */
	zeros(): Float32Array;
};

export const sizeOf = (dims: readonly number[]): number => dims.reduce((product, dim) => product * dim, 1);

export const constant = ({dtype, dims, data}: Tensor): Constant => ({dtype, dims, read: () => data});

export const tensor = ({dtype, dims, read}: Constant): Tensor => ({dtype, dims, data: read()});

export const zeros = (dtype: DType, dims: readonly number[]): Tensor => ({dtype, dims, data: allocate(dtype, sizeOf(dims))});

export const float32 = (dims: readonly number[], values: ArrayLike<number>): Tensor => ({dtype: 'float32', dims, data: Float32Array.from(values)});

export const int64 = (dims: readonly number[], values: ArrayLike<number>): Tensor => ({
	dtype: 'int64',
	dims,
	data: BigInt64Array.from(Array.from(values, value => BigInt(value))),
});

/** Row-major strides, in elements. */
export function stridesOf(dims: readonly number[]): number[] {
	const strides = new Array<number>(dims.length);
	let stride = 1;
	for (let axis = dims.length - 1; axis >= 0; axis--) {
		strides[axis] = stride;
		stride *= dims[axis]!;
	}

	return strides;
}
