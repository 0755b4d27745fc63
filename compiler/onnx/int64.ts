/**
 * 64-bit integers as protobufjs hands them over: two 32-bit halves. Conversion to numbers keeps the order and the sign; conversion to
 * BigInt is exact.
 */

export type Int64 = {readonly low: number; readonly high: number};

/** The largest number that is a 64-bit integer; `int64` maximum, the usual "to the end", becomes this. */
const LARGEST = 2 ** 63 - 1024;

export const fromInteger = (value: number | bigint): Int64 => {
	const bits = BigInt.asUintN(64, BigInt(value));
	return {low: Number(bits & 0xffff_ffffn) | 0, high: Number(bits >> 32n) | 0};
};

export const toBigInt = ({low, high}: Int64): bigint => (BigInt(high | 0) << 32n) | BigInt(low >>> 0);

export const toUnsignedBigInt = ({low, high}: Int64): bigint => (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);

/** The nearest number that still is a 64-bit integer. */
export const toNumber = ({low, high}: Int64): number => Math.min((high | 0) * 0x1_0000_0000 + (low >>> 0), LARGEST);
