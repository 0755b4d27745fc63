/**
 * Element-wise evaluation. Floats and integers of up to 32 bits are computed in doubles and rounded or wrapped once; 64-bit integers
 * are computed as BigInt.
 */
import {allocate, type DType, type TypedArray} from '../../graph/dtype.js';
import {sizeOf, type Tensor} from '../../graph/tensor.js';
import {broadcastDims, broadcastIndices} from '../broadcast.js';
import {fromNumbers, toNumbers} from '../linear/numbers.js';
import type {EvaluateContext} from '../op.js';

export const isBig = (dtype: DType): boolean => dtype === 'int64' || dtype === 'uint64';

export type Big = BigInt64Array | BigUint64Array;

export function mapNumbers(dtype: DType, x: Tensor, f: (x: number) => number): Tensor {
	const numbers = toNumbers(x);
	const values = new Float64Array(numbers.length);
	for (let i = 0; i < values.length; i++) {
		values[i] = f(numbers[i]!);
	}

	return fromNumbers(dtype, x.dims, values);
}

export function mapBig({dtype, dims, data}: Tensor, f: (x: bigint) => bigint): Tensor {
	const values = allocate(dtype, data.length) as Big;
	for (let i = 0; i < values.length; i++) {
		values[i] = f((data as Big)[i]!);
	}

	return {dtype, dims, data: values};
}

/** The function of two elements, by the way in which their type is held. */
export type Pair = {
	number(a: number, b: number): number;
	/** For integers of up to 32 bits, where the number's function would not do. */
	integer?(a: number, b: number): number;
	/** For 64-bit integers. */
	big?(a: bigint, b: bigint): bigint | number;
};

export function combine(context: EvaluateContext, dtype: DType, a: Tensor, b: Tensor, pair: Pair): Tensor {
	const dims = broadcastDims(context, a.dims, b.dims);
	const readA = broadcastIndices(a.dims, dims);
	const readB = broadcastIndices(b.dims, dims);
	if (isBig(a.dtype) && isBig(b.dtype)) {
		const {big} = pair;
		if (!big) {
			return context.fail('the op has no meaning for this type', {expected: 'floats', found: a.dtype});
		}

		const data = allocate(dtype, sizeOf(dims));
		for (let i = 0; i < data.length; i++) {
			data[i] = big((a.data as Big)[readA[i]!]!, (b.data as Big)[readB[i]!]!);
		}

		return {dtype, dims, data};
	}

	const left = toNumbers(a);
	const right = toNumbers(b);
	const f = !isFloatArray(left) && pair.integer ? pair.integer : pair.number;
	const values = new Float64Array(sizeOf(dims));
	for (let i = 0; i < values.length; i++) {
		values[i] = f(left[readA[i]!]!, right[readB[i]!]!);
	}

	return fromNumbers(dtype, dims, values);
}

const isFloatArray = (data: TypedArray): boolean => data instanceof Float32Array || data instanceof Float64Array;
