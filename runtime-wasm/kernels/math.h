// Elementary functions in SIMD, f32. Scalar forms are lane 0 of the same code, so that a tail rounds as the body does.
#pragma once
#include "kernel.h"

#define INFINITY_F32 __builtin_inff()
#define NAN_F32 __builtin_nanf("")

static inline f32 sum_f32x4(v128_t v) {
	v = wasm_f32x4_add(v, wasm_i32x4_shuffle(v, v, 2, 3, 0, 1));
	v = wasm_f32x4_add(v, wasm_i32x4_shuffle(v, v, 1, 0, 3, 2));
	return wasm_f32x4_extract_lane(v, 0);
}

static inline f32 max_f32x4(v128_t v) {
	v = wasm_f32x4_pmax(v, wasm_i32x4_shuffle(v, v, 2, 3, 0, 1));
	v = wasm_f32x4_pmax(v, wasm_i32x4_shuffle(v, v, 1, 0, 3, 2));
	return wasm_f32x4_extract_lane(v, 0);
}

// e^x. Cody-Waite reduction x = n ln 2 + r with |r| <= ln 2 / 2, a degree-7 Taylor polynomial in r (error below 2 ulp), and 2^n in
// two factors so that results reach the denormals. NaN stays NaN; above 88.73 the result is infinity, below -104 it is 0.
static inline v128_t exp_f32x4(v128_t x) {
	v128_t low = wasm_f32x4_splat(-104.0f), high = wasm_f32x4_splat(89.0f);
	v128_t z = wasm_f32x4_pmin(wasm_f32x4_pmax(x, low), high);
	v128_t n = wasm_f32x4_nearest(wasm_f32x4_mul(z, wasm_f32x4_splat(1.44269504088896341f)));
	v128_t r = wasm_f32x4_sub(z, wasm_f32x4_mul(n, wasm_f32x4_splat(0.693359375f)));
	r = wasm_f32x4_add(r, wasm_f32x4_mul(n, wasm_f32x4_splat(2.12194440e-4f)));
	v128_t p = wasm_f32x4_splat(1.0f / 5040);
	p = wasm_f32x4_add(wasm_f32x4_mul(p, r), wasm_f32x4_splat(1.0f / 720));
	p = wasm_f32x4_add(wasm_f32x4_mul(p, r), wasm_f32x4_splat(1.0f / 120));
	p = wasm_f32x4_add(wasm_f32x4_mul(p, r), wasm_f32x4_splat(1.0f / 24));
	p = wasm_f32x4_add(wasm_f32x4_mul(p, r), wasm_f32x4_splat(1.0f / 6));
	p = wasm_f32x4_add(wasm_f32x4_mul(p, r), wasm_f32x4_splat(0.5f));
	p = wasm_f32x4_add(wasm_f32x4_mul(p, r), wasm_f32x4_splat(1));
	p = wasm_f32x4_add(wasm_f32x4_mul(p, r), wasm_f32x4_splat(1));
	v128_t i = wasm_i32x4_trunc_sat_f32x4(n);
	v128_t half = wasm_i32x4_shr(i, 1);
	v128_t rest = wasm_i32x4_sub(i, half);
	v128_t one = wasm_i32x4_splat(127);
	p = wasm_f32x4_mul(p, wasm_i32x4_shl(wasm_i32x4_add(half, one), 23));
	p = wasm_f32x4_mul(p, wasm_i32x4_shl(wasm_i32x4_add(rest, one), 23));
	return wasm_v128_bitselect(p, x, wasm_f32x4_eq(x, x));
}

static inline f32 exp_f32(f32 x) { return wasm_f32x4_extract_lane(exp_f32x4(wasm_f32x4_splat(x)), 0); }
