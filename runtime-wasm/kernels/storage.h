// How rows of a key-value cache are stored: f32, f16, or int8 with a scale for each head and position. Each storage has
//   put(row, x, n) → the row's scale, 1 for f32 and f16.
#pragma once
#include "code.h"
#include "math.h"

// Halfs, extended with their sign, to f32: the exponent is moved into place as an integer, then scaled by 2^112; denormals come out
// right, infinities do not occur in a cache (put clamps).
static inline v128_t f32x4_from_f16(v128_t h) {
	return wasm_f32x4_mul(wasm_v128_and(wasm_i32x4_shl(h, 13), wasm_i32x4_splat((i32)0x8fffe000)), wasm_f32x4_splat(0x1p112f));
}

static inline f32 f32_from_f16(u16 h) { return wasm_f32x4_extract_lane(f32x4_from_f16(wasm_i32x4_splat((i16)h)), 0); }

// f32 to halfs, to nearest even, clamped to ±65504.
static inline v128_t f16_from_f32x4(v128_t x) {
	v128_t sign = wasm_v128_and(wasm_u32x4_shr(x, 16), wasm_i32x4_splat(0x8000));
	v128_t magnitude = wasm_f32x4_pmin(wasm_f32x4_splat(65504.0f), wasm_f32x4_abs(x));
	v128_t denormal = wasm_i32x4_sub(wasm_f32x4_add(magnitude, wasm_f32x4_splat(0.5f)), wasm_i32x4_splat(0x3f000000));
	v128_t odd = wasm_v128_and(wasm_u32x4_shr(magnitude, 13), wasm_i32x4_splat(1));
	v128_t normal = wasm_u32x4_shr(wasm_i32x4_add(wasm_i32x4_add(magnitude, odd), wasm_i32x4_splat(0xfff - (112 << 23))), 13);
	return wasm_v128_or(sign, wasm_v128_bitselect(denormal, normal, wasm_f32x4_lt(magnitude, wasm_f32x4_splat(0x1p-14f))));
}

static inline f32 put_f32(f32 *row, const f32 *x, i32 n) {
	for (i32 c = 0; c < n; c += 4) store_quad(row + c, load_inputs(x, c, n), n - c);
	return 1;
}

static inline f32 put_f16(u16 *row, const f32 *x, i32 n) {
	for (i32 c = 0; c < n; c += 4) {
		v128_t h = f16_from_f32x4(load_inputs(x, c, n));
		h = wasm_u16x8_narrow_i32x4(h, h);
		if (c + 4 <= n)
			wasm_v128_store64_lane(row + c, h, 0);
		else
			for (i32 d = c; d < n; d++, h = wasm_u64x2_shr(h, 16)) row[d] = wasm_u16x8_extract_lane(h, 0);
	}
	return 1;
}

// Steps of 1/127 of the largest.
static inline f32 put_i8(i8 *row, const f32 *x, i32 n) {
	v128_t best = wasm_f32x4_splat(0);
	for (i32 c = 0; c < n; c += 4) best = wasm_f32x4_pmax(best, wasm_f32x4_abs(load_inputs(x, c, n)));
	f32 top = max_f32x4(best);
	v128_t inverse = wasm_f32x4_splat(top > 0 ? 127 / top : 0);
	for (i32 c = 0; c < n; c += 4) {
		v128_t v = wasm_i32x4_trunc_sat_f32x4(wasm_f32x4_nearest(wasm_f32x4_mul(load_inputs(x, c, n), inverse)));
		v = wasm_i16x8_narrow_i32x4(v, v);
		v = wasm_i8x16_narrow_i16x8(v, v);
		if (c + 4 <= n)
			wasm_v128_store32_lane(row + c, v, 0);
		else
			for (i32 d = c; d < n; d++, v = wasm_u32x4_shr(v, 8)) row[d] = (i8)wasm_i8x16_extract_lane(v, 0);
	}
	return top / 127;
}
