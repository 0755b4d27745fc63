/** Elements of a tensor as numbers, whatever the type: half floats are decoded from their bits, 64-bit integers stay BigInts. */
import type {Tensor} from '../../compiler/graph/tensor.js';

export function toFloat({dtype, data}: Tensor, index: number): number | bigint {
	const element = data[index]!;
	if (typeof element === 'bigint') {
		return element;
	}

	return dtype === 'float16' ? fromHalf(element) : dtype === 'bfloat16' ? fromBrainFloat(element) : element;
}

function fromHalf(bits: number): number {
	const sign = bits & 0x8000 ? -1 : 1;
	const exponent = (bits >> 10) & 31;
	const fraction = bits & 1023;
	return sign * (exponent === 31 ? (fraction ? Number.NaN : Infinity) : exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}

const fromBrainFloat = (bits: number): number => new Float32Array(Uint32Array.of(bits << 16).buffer)[0]!;
