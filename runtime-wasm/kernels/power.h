// log, exp and pow in f64, for powers whose f32 result is to be right to the last bit or two.
#pragma once
#include "kernel.h"

// As log_f32x4, with the series of artanh to degree 21.
static inline f64 log_f64(f64 x) {
	if (!(x > 0)) return x == 0 ? -__builtin_inf() : __builtin_nan("");
	if (x == __builtin_inf()) return x;
	f64 shift = 0;
	if (x < 2.2250738585072014e-308) x *= 18014398509481984.0, shift = -54;
	u64 bits = (u64)wasm_i64x2_extract_lane(wasm_f64x2_splat(x), 0);
	i64 e = (i64)(bits - 0x3fe6a09e667f3bcdull) >> 52;
	f64 m = wasm_f64x2_extract_lane(wasm_u64x2_splat(bits - ((u64)e << 52)), 0);
	f64 s = (m - 1) / (m + 1), q = s * s, p = 0;
	for (f64 k = 21; k > 1; k -= 2) p = p * q + 2 / k;
	f64 n = (f64)e + shift;
	return n * 0.69314718036912381649 + (2 * s + (p * q * s + n * 1.9082149292705877e-10));
}

static inline f64 exp_f64(f64 x) {
	if (x != x) return x;
	if (x > 710) return __builtin_inf();
	if (x < -750) return 0;
	f64 n = __builtin_nearbyint(x * 1.44269504088896340736);
	f64 r = x - n * 0.69314718036912381649 - n * 1.9082149292705877e-10, p = 1;
	for (f64 k = 13; k > 0; k--) p = p * r / k + 1;
	i64 i = (i64)n, half = i >> 1;
	p *= wasm_f64x2_extract_lane(wasm_i64x2_splat((half + 1023) << 52), 0);
	return p * wasm_f64x2_extract_lane(wasm_i64x2_splat((i - half + 1023) << 52), 0);
}

// x^y with the special values of IEEE 754. Small integer exponents are products, so that they are exact where the result is.
static inline f64 pow_f64(f64 x, f64 y) {
	if (y == 0 || x == 1) return 1;
	if (x != x || y != y) return __builtin_nan("");
	f64 magnitude = __builtin_fabs(y);
	i32 whole = __builtin_trunc(y) == y;
	if (whole && magnitude <= 64) {
		f64 power = 1, square = x;
		for (i32 n = (i32)magnitude; n > 0; n >>= 1, square *= square) {
			if (n & 1) power *= square;
		}
		return y < 0 ? 1 / power : power;
	}
	f64 base = __builtin_fabs(x);
	if (magnitude == __builtin_inf()) {
		return base == 1 ? 1 : (base > 1) == (y > 0) ? __builtin_inf() : 0;
	}
	if (x < 0 && !whole && base != __builtin_inf()) return __builtin_nan("");
	if (y == 0.5 && base != __builtin_inf()) return __builtin_sqrt(base);
	f64 power = exp_f64(y * log_f64(base));
	i32 odd = whole && __builtin_trunc(y * 0.5) * 2 != y;
	return odd ? __builtin_copysign(power, x) : power;
}
