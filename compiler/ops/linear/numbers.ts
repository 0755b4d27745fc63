/**
 * Tensors as doubles and back, for evaluation. Doubles hold every value of the types up to 32 bits; 64-bit integers above 2⁵³ are
 * rounded, so ops that must keep them work on BigInt.
 */
import {allocate, type DType} from '../../graph/dtype.js';
import {float32ToBfloat16, float32ToFloat16, widenBfloat16, widenFloat16} from '../../graph/half.js';
import type {Tensor} from '../../graph/tensor.js';

export type Numbers = Float64Array | Float32Array | Int32Array | Uint32Array | Int16Array | Uint16Array | Int8Array | Uint8Array;

/** The elements as numbers; a view where the array holds them already. */
export function toNumbers({dtype, data}: Tensor): Numbers {
	switch (dtype) {
		case 'float16': {
			return widenFloat16(data as Uint16Array);
		}

		case 'bfloat16': {
			return widenBfloat16(data as Uint16Array);
		}

		case 'int64':
		case 'uint64': {
			return Float64Array.from(data as BigInt64Array, Number);
		}

		default: {
			return data as Numbers;
		}
	}
}

/** Rounds to the type; integers wrap, so saturate first where the op says so. */
export function fromNumbers(dtype: DType, dims: readonly number[], numbers: ArrayLike<number>): Tensor {
	const data = allocate(dtype, numbers.length);
	for (let index = 0; index < numbers.length; index++) {
		data[index] = encode(dtype, numbers[index]!);
	}

	return {dtype, dims, data};
}

function encode(dtype: DType, value: number): number | bigint {
	switch (dtype) {
		case 'float16': {
			return float32ToFloat16(value);
		}

		case 'bfloat16': {
			return float32ToBfloat16(value);
		}

		case 'int64':
		case 'uint64': {
			return BigInt(Math.trunc(value));
		}

		default: {
			return value;
		}
	}
}
