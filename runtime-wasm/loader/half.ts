/** IEEE 754 half precision and bfloat16: bit patterns to numbers and back, rounding to nearest even. */

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

export function fromHalf(half: number): number {
	const exponent = (half >> 10) & 31;
	const mantissa = half & 1023;
	const magnitude = exponent === 0 ? mantissa * 2 ** -24 : exponent === 31 ? (mantissa === 0 ? Infinity : NaN) : (1024 + mantissa) * 2 ** (exponent - 25);
	return half & 0x80_00 ? -magnitude : magnitude;
}

export function toHalf(value: number): number {
	float[0] = value;
	const word = bits[0]!;
	const sign = (word >>> 16) & 0x80_00;
	const magnitude = Math.abs(float[0]);
	if (!(magnitude < 65_520)) {
		return sign | (Number.isNaN(magnitude) ? 0x7e_00 : 0x7c_00);
	}

	if (magnitude < 2 ** -14) {
		return sign | roundEven(magnitude * 2 ** 24);
	}

	const exponent = ((word >>> 23) & 255) - 127;
	// A mantissa that rounds up to 2048 carries into the exponent by itself.
	return sign | ((exponent + 14) * 1024 + roundEven(magnitude * 2 ** (10 - exponent)));
}

export function fromBrain(brain: number): number {
	bits[0] = brain << 16;
	return float[0]!;
}

export function toBrain(value: number): number {
	float[0] = value;
	const word = bits[0]!;
	return Number.isNaN(value) ? 0x7f_c0 : (word + 0x7f_ff + ((word >>> 16) & 1)) >>> 16;
}

function roundEven(value: number): number {
	const floor = Math.floor(value);
	const rest = value - floor;
	return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
