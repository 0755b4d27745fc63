/** IEEE half precision: bit patterns to numbers and back, rounding to nearest, ties to even. */

const single = new Float32Array(1);
const singleBits = new Uint32Array(single.buffer);

export function fromHalf(bits: number): number {
	const sign = bits & 0x8000 ? -1 : 1;
	const exponent = (bits >> 10) & 31;
	const mantissa = bits & 1023;
	if (exponent === 31) {
		return mantissa === 0 ? sign * Infinity : NaN;
	}

	return exponent === 0 ? sign * mantissa * 2 ** -24 : sign * (1024 + mantissa) * 2 ** (exponent - 25);
}

export function toHalf(value: number): number {
	single[0] = value;
	const bits = singleBits[0]!;
	const sign = (bits >>> 16) & 0x8000;
	const magnitude = bits & 0x7f_ff_ff_ff;
	if (magnitude >= 0x7f_80_00_00) {
		return sign | 0x7c00 | (magnitude > 0x7f_80_00_00 ? 0x200 : 0);
	}

	// Above the middle between 65504 and 65536.
	if (magnitude >= 0x47_7f_f0_00) {
		return sign | 0x7c00;
	}

	if (magnitude < 0x38_80_00_00) {
		// Subnormal: the significand in units of 2^-24.
		const units = Math.abs(single[0]) * 2 ** 24;
		const floor = Math.floor(units);
		const rest = units - floor;
		return sign | (floor + (rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? 1 : 0));
	}

	return sign | ((magnitude - 0x38_00_00_00 + 0xf_ff + ((magnitude >>> 13) & 1)) >>> 13);
}
