// How rows of a key-value cache are stored: f32, f16, or int8 with a scale for each head and position. Each storage has
//   put(row, x, n) → the row's scale, 1 for f32 and f16.
#pragma once
#include "math.h"

// Halfs to f32: the exponent is moved into place as an integer, then scaled by 2^112; denormals come out right, infinities do not
// occur in a cache (put clamps).
static inline v128_t f32x4_from_f16(v128_t h) {
	v128_t sign = wasm_v128_and(wasm_i32x4_shl(h, 16), wasm_i32x4_splat((i32)0x80000000));
	v128_t magnitude = wasm_i32x4_shl(wasm_v128_and(h, wasm_i32x4_splat(0x7fff)), 13);
	return wasm_v128_or(wasm_f32x4_mul(magnitude, wasm_f32x4_splat(0x1p112f)), sign);
}

static inline f32 f32_from_f16(u16 h) { return wasm_f32x4_extract_lane(f32x4_from_f16(wasm_i32x4_splat(h)), 0); }

// f32 to half, to nearest even, clamped to ±65504.
static inline u16 f16_from_f32(f32 x) {
	union { f32 f; u32 u; } bits = {x};
	u32 sign = (bits.u >> 16) & 0x8000;
	bits.u &= 0x7fffffff;
	if (!(bits.f <= 65504.0f)) bits.f = 65504.0f;
	if (bits.f < 0x1p-14f) {
		bits.f += 0.5f;
		return (u16)(sign | (bits.u - 0x3f000000));
	}
	u32 odd = (bits.u >> 13) & 1;
	return (u16)(sign | ((bits.u - (112u << 23) + 0xfff + odd) >> 13));
}

static inline f32 put_f32(f32 *row, const f32 *x, i32 n) {
	for (i32 i = 0; i < n; i++) row[i] = x[i];
	return 1;
}

static inline f32 put_f16(u16 *row, const f32 *x, i32 n) {
	for (i32 i = 0; i < n; i++) row[i] = f16_from_f32(x[i]);
	return 1;
}

static inline f32 put_i8(i8 *row, const f32 *x, i32 n) {
	f32 top = 0;
	for (i32 i = 0; i < n; i++) {
		f32 a = __builtin_fabsf(x[i]);
		top = a > top ? a : top;
	}
	f32 inverse = top > 0 ? 127 / top : 0;
	for (i32 i = 0; i < n; i++) row[i] = (i8)__builtin_rintf(x[i] * inverse);
	return top / 127;
}
