/** The suffix of a kernel's name for an element type, and the failure for types that have no kernel. */
import {bytesOf, type DType} from '../../graph/dtype.js';
import type {LowerContext} from '../../plan/lower-context.js';

const suffixes: Readonly<Record<DType, string>> = {
	float32: 'f32',
	float64: 'f64',
	float16: 'f16',
	bfloat16: 'bf16',
	int8: 'i8',
	uint8: 'u8',
	int16: 'i16',
	uint16: 'u16',
	int32: 'i32',
	uint32: 'u32',
	int64: 'i64',
	uint64: 'u64',
	bool: 'u8',
};

export const suffixOf = (dtype: DType): string => suffixes[dtype];

/** For kernels that only see bits: u8, u16, u32 or u64. */
export const bitsSuffix = (dtype: DType): string => `u${bytesOf(dtype) * 8}`;

const floats: readonly DType[] = ['float32', 'float64', 'float16', 'bfloat16'];

/** For kernels that are the same for both signs: sums, products, equality. */
export const wrappingSuffix = (dtype: DType): string => (floats.includes(dtype) ? suffixOf(dtype) : bitsSuffix(dtype));

export const signedTypes: readonly DType[] = ['int8', 'int16', 'int32', 'int64'];
export const unsignedTypes: readonly DType[] = ['uint8', 'uint16', 'uint32', 'uint64'];
export const integerTypes: readonly DType[] = [...signedTypes, ...unsignedTypes];
export const numberTypes: readonly DType[] = ['float32', 'float64', ...integerTypes];

/** The type of `index`, or a failure that names it, where kernels exist for `allowed` only. */
export function kernelType(context: Pick<LowerContext, 'input' | 'fail'>, allowed: readonly DType[], index = 0): DType {
	const {dtype} = context.input(index);
	return allowed.includes(dtype)
		? dtype
		: context.fail(`no kernel for the type of input ${index}`, {expected: allowed.join(', '), found: dtype, hint: 'convert the model to float32'});
}
