/**
 * float16 (IEEE 754 binary16) and bfloat16 as bit patterns. Narrowing rounds once, half to even, from the full double.
 */
const single = new Float32Array(1);
const singleBits = new Uint32Array(single.buffer);
const double = new Float64Array(1);
const doubleBits = new Uint32Array(double.buffer);
const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

type Format = {readonly mantissa: number; readonly minExponent: number; readonly maxExponent: number};

const float16: Format = {mantissa: 10, minExponent: -14, maxExponent: 15};
const bfloat16: Format = {mantissa: 7, minExponent: -126, maxExponent: 127};

function narrow(value: number, {mantissa, minExponent, maxExponent}: Format): number {
	double[0] = value;
	const high = doubleBits[littleEndian ? 1 : 0]!;
	const sign = high & 0x80_00_00_00 ? 0x80_00 : 0;
	const infinity = (maxExponent * 2 + 1) << mantissa;
	if (Number.isNaN(value)) {
		return infinity | (1 << (mantissa - 1));
	}

	const exponent = Math.max(minExponent, ((high >>> 20) & 2047) - 1023);
	if (exponent > maxExponent) {
		return sign | infinity;
	}

	// A rounding that carries out of the mantissa runs into the exponent's field, which is just what it should do.
	const units = roundHalfEven(Math.abs(value) * 2 ** (mantissa - exponent));
	return sign | (((exponent - minExponent) << mantissa) + units);
}

export function roundHalfEven(value: number): number {
	const below = Math.floor(value);
	const rest = value - below;
	return rest > 0.5 || (rest === 0.5 && below % 2 !== 0) ? below + 1 : below === 0 && Object.is(value, -0) ? -0 : below;
}

export const float32ToFloat16 = (value: number): number => narrow(value, float16);

export const float32ToBfloat16 = (value: number): number => narrow(value, bfloat16);

const bitsOfFloat16 = (half: number): number => {
	const sign = (half & 0x80_00) << 16;
	const exponent = (half >> 10) & 31;
	const mantissa = half & 1023;
	if (exponent === 0) {
		single[0] = mantissa * 2 ** -24;
		return sign | singleBits[0]!;
	}

	return sign | ((exponent === 31 ? 255 : exponent + 112) << 23) | (mantissa << 13);
};

export function float16ToFloat32(half: number): number {
	singleBits[0] = bitsOfFloat16(half);
	return single[0]!;
}

/** The half at `index` of little-endian bytes. */
export const float16At = (bytes: Uint8Array, index: number): number => float16ToFloat32(bytes[2 * index]! | (bytes[2 * index + 1]! << 8));

export function bfloat16ToFloat32(half: number): number {
	singleBits[0] = half << 16;
	return single[0]!;
}

export function widenFloat16(halves: Uint16Array): Float32Array {
	const bits = new Uint32Array(halves.length);
	for (let i = 0; i < halves.length; i++) {
		bits[i] = bitsOfFloat16(halves[i]!);
	}

	return new Float32Array(bits.buffer);
}

export function widenBfloat16(halves: Uint16Array): Float32Array {
	const bits = new Uint32Array(halves.length);
	for (let i = 0; i < halves.length; i++) {
		bits[i] = halves[i]! << 16;
	}

	return new Float32Array(bits.buffer);
}

export const narrowFloat16 = (values: ArrayLike<number>): Uint16Array => Uint16Array.from(values, float32ToFloat16);

export const narrowBfloat16 = (values: ArrayLike<number>): Uint16Array => Uint16Array.from(values, float32ToBfloat16);
