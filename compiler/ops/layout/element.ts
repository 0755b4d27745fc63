/** One element of any type as bits: how constants inside attributes reach kernels. */
import {dtypes, type DType} from '../../graph/dtype.js';
import {float32ToBfloat16, float32ToFloat16} from '../../graph/half.js';
import type {Tensor} from '../../graph/tensor.js';

/** A tensor of one element. */
export function scalar(dtype: DType, value: number): Tensor {
	const data = new dtypes[dtype].array(1);
	if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
		data[0] = BigInt(value);
	} else {
		data[0] = dtype === 'float16' ? float32ToFloat16(value) : dtype === 'bfloat16' ? float32ToBfloat16(value) : value;
	}

	return {dtype, dims: [], data};
}

/** The bits of the first element as two i32, the low one first. */
export function bitsOf({data}: Tensor): readonly number[] {
	const bytes = new Uint8Array(8);
	bytes.set(new Uint8Array(data.buffer, data.byteOffset, Math.min(8, data.BYTES_PER_ELEMENT)));
	return [...new Int32Array(bytes.buffer)];
}

/** Types by their numbers in ONNX attributes. */
const byNumber: Readonly<Record<number, DType>> = {
	1: 'float32',
	2: 'uint8',
	3: 'int8',
	4: 'uint16',
	5: 'int16',
	6: 'int32',
	7: 'int64',
	9: 'bool',
	10: 'float16',
	11: 'float64',
	12: 'uint32',
	13: 'uint64',
	16: 'bfloat16',
};

export const dtypeOf = (number: number): DType | undefined => byNumber[number];
