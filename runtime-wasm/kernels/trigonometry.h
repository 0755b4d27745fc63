// Sine, cosine, tangent and the inverse functions in SIMD, f32.
#pragma once
#include "math.h"

// x = n pi/2 + r with |r| <= pi/4, reduced in f64: the error of r is n 2^-53, below 1e-9 for |x| up to a million. Far beyond, where a
// float's neighbours lie more than a turn apart, the result only stays within [-1, 1].
static inline v128_t quarter_turns_f64x2(v128_t x, v128_t *quadrant) {
	v128_t n = wasm_f64x2_nearest(wasm_f64x2_mul(x, wasm_f64x2_splat(0.63661977236758134308)));
	v128_t r = wasm_f64x2_sub(x, wasm_f64x2_mul(n, wasm_f64x2_splat(1.57079632679489661923)));
	v128_t turns = wasm_f64x2_floor(wasm_f64x2_mul(n, wasm_f64x2_splat(0.25)));
	*quadrant = wasm_i32x4_trunc_sat_f64x2_zero(wasm_f64x2_sub(n, wasm_f64x2_mul(turns, wasm_f64x2_splat(4))));
	return wasm_f32x4_demote_f64x2_zero(r);
}

// sin(x + quarter pi/2) for quarter 0 or 1, by Taylor polynomials of degree 9 and 10.
static inline v128_t sine_f32x4(v128_t x, i32 quarter) {
	v128_t quadrant_low, quadrant_high;
	v128_t low = quarter_turns_f64x2(wasm_f64x2_promote_low_f32x4(x), &quadrant_low);
	v128_t high = quarter_turns_f64x2(wasm_f64x2_promote_low_f32x4(wasm_i32x4_shuffle(x, x, 2, 3, 0, 1)), &quadrant_high);
	v128_t r = wasm_i32x4_shuffle(low, high, 0, 1, 4, 5);
	v128_t quadrant = wasm_i32x4_add(wasm_i32x4_shuffle(quadrant_low, quadrant_high, 0, 1, 4, 5), wasm_i32x4_splat(quarter));
	v128_t limit = wasm_f32x4_splat(0.7853983f);
	r = wasm_f32x4_pmax(wasm_f32x4_pmin(r, limit), wasm_f32x4_neg(limit));
	v128_t z = wasm_f32x4_mul(r, r);
	v128_t s = wasm_f32x4_splat(1.0f / 362880);
	s = muladd_f32x4(s, z, wasm_f32x4_splat(-1.0f / 5040));
	s = muladd_f32x4(s, z, wasm_f32x4_splat(1.0f / 120));
	s = muladd_f32x4(s, z, wasm_f32x4_splat(-1.0f / 6));
	s = muladd_f32x4(wasm_f32x4_mul(s, z), r, r);
	v128_t c = wasm_f32x4_splat(-1.0f / 3628800);
	c = muladd_f32x4(c, z, wasm_f32x4_splat(1.0f / 40320));
	c = muladd_f32x4(c, z, wasm_f32x4_splat(-1.0f / 720));
	c = muladd_f32x4(c, z, wasm_f32x4_splat(1.0f / 24));
	c = muladd_f32x4(c, z, wasm_f32x4_splat(-0.5f));
	c = muladd_f32x4(c, z, wasm_f32x4_splat(1));
	v128_t odd = wasm_i32x4_ne(wasm_v128_and(quadrant, wasm_i32x4_splat(1)), wasm_i32x4_splat(0));
	v128_t sign = wasm_i32x4_shl(wasm_v128_and(quadrant, wasm_i32x4_splat(2)), 30);
	return wasm_v128_xor(wasm_v128_bitselect(c, s, odd), sign);
}

static inline v128_t sin_f32x4(v128_t x) { return sine_f32x4(x, 0); }

static inline v128_t cos_f32x4(v128_t x) { return sine_f32x4(x, 1); }

static inline v128_t tan_f32x4(v128_t x) { return wasm_f32x4_div(sine_f32x4(x, 0), sine_f32x4(x, 1)); }

// arctan: 1/x above 1, then (x - 1)/(x + 1) above tan(pi/8), then the series to degree 19.
static inline v128_t atan_f32x4(v128_t x) {
	v128_t one = wasm_f32x4_splat(1), a = wasm_f32x4_abs(x);
	v128_t large = wasm_f32x4_gt(a, one);
	v128_t z = wasm_v128_bitselect(wasm_f32x4_div(one, a), a, large);
	v128_t middle = wasm_f32x4_gt(z, wasm_f32x4_splat(0.41421356f));
	v128_t t = wasm_v128_bitselect(wasm_f32x4_div(wasm_f32x4_sub(z, one), wasm_f32x4_add(z, one)), z, middle);
	v128_t q = wasm_f32x4_mul(t, t);
	v128_t p = wasm_f32x4_splat(-1.0f / 19);
	p = muladd_f32x4(p, q, wasm_f32x4_splat(1.0f / 17));
	p = muladd_f32x4(p, q, wasm_f32x4_splat(-1.0f / 15));
	p = muladd_f32x4(p, q, wasm_f32x4_splat(1.0f / 13));
	p = muladd_f32x4(p, q, wasm_f32x4_splat(-1.0f / 11));
	p = muladd_f32x4(p, q, wasm_f32x4_splat(1.0f / 9));
	p = muladd_f32x4(p, q, wasm_f32x4_splat(-1.0f / 7));
	p = muladd_f32x4(p, q, wasm_f32x4_splat(1.0f / 5));
	p = muladd_f32x4(p, q, wasm_f32x4_splat(-1.0f / 3));
	p = muladd_f32x4(wasm_f32x4_mul(p, q), t, t);
	p = wasm_f32x4_add(p, wasm_v128_and(wasm_f32x4_splat(0.78539816339744831f), middle));
	p = wasm_v128_bitselect(wasm_f32x4_sub(wasm_f32x4_splat(1.57079632679489662f), p), p, large);
	return with_sign_f32x4(p, x);
}

static inline v128_t asin_f32x4(v128_t x) {
	v128_t one = wasm_f32x4_splat(1);
	return atan_f32x4(wasm_f32x4_div(x, wasm_f32x4_sqrt(wasm_f32x4_mul(wasm_f32x4_sub(one, x), wasm_f32x4_add(one, x)))));
}

static inline v128_t acos_f32x4(v128_t x) {
	v128_t one = wasm_f32x4_splat(1);
	v128_t half = atan_f32x4(wasm_f32x4_sqrt(wasm_f32x4_div(wasm_f32x4_sub(one, x), wasm_f32x4_add(one, x))));
	return wasm_f32x4_add(half, half);
}

// sinh and cosh overflow later than e^x does: beyond 10 they are (e^(x/2) / 2) e^(x/2).
static inline v128_t half_exp_f32x4(v128_t a) {
	v128_t h = exp_f32x4(wasm_f32x4_mul(a, wasm_f32x4_splat(0.5f)));
	return wasm_f32x4_mul(wasm_f32x4_mul(h, wasm_f32x4_splat(0.5f)), h);
}

static inline v128_t sinh_f32x4(v128_t x) {
	v128_t a = wasm_f32x4_abs(x), one = wasm_f32x4_splat(1);
	v128_t t = expm1_f32x4(wasm_f32x4_pmin(a, wasm_f32x4_splat(10)));
	v128_t near = wasm_f32x4_mul(wasm_f32x4_splat(0.5f), wasm_f32x4_add(t, wasm_f32x4_div(t, wasm_f32x4_add(t, one))));
	return with_sign_f32x4(wasm_v128_bitselect(half_exp_f32x4(a), near, wasm_f32x4_gt(a, wasm_f32x4_splat(10))), x);
}

static inline v128_t cosh_f32x4(v128_t x) {
	v128_t a = wasm_f32x4_abs(x);
	v128_t e = exp_f32x4(wasm_f32x4_pmin(a, wasm_f32x4_splat(10)));
	v128_t near = wasm_f32x4_mul(wasm_f32x4_splat(0.5f), wasm_f32x4_add(e, wasm_f32x4_div(wasm_f32x4_splat(1), e)));
	return wasm_v128_bitselect(half_exp_f32x4(a), near, wasm_f32x4_gt(a, wasm_f32x4_splat(10)));
}

static inline v128_t asinh_f32x4(v128_t x) {
	v128_t a = wasm_f32x4_abs(x), one = wasm_f32x4_splat(1), q = wasm_f32x4_mul(a, a);
	v128_t near = log1p_f32x4(wasm_f32x4_add(a, wasm_f32x4_div(q, wasm_f32x4_add(one, wasm_f32x4_sqrt(wasm_f32x4_add(q, one))))));
	v128_t far = wasm_f32x4_add(log_f32x4(a), wasm_f32x4_splat(0.69314718055994531f));
	return with_sign_f32x4(wasm_v128_bitselect(far, near, wasm_f32x4_gt(a, wasm_f32x4_splat(1e6f))), x);
}

static inline v128_t acosh_f32x4(v128_t x) {
	v128_t t = wasm_f32x4_sub(x, wasm_f32x4_splat(1));
	v128_t near = log1p_f32x4(wasm_f32x4_add(t, wasm_f32x4_sqrt(wasm_f32x4_mul(t, wasm_f32x4_add(t, wasm_f32x4_splat(2))))));
	v128_t far = wasm_f32x4_add(log_f32x4(x), wasm_f32x4_splat(0.69314718055994531f));
	v128_t y = wasm_v128_bitselect(far, near, wasm_f32x4_gt(x, wasm_f32x4_splat(1e6f)));
	return wasm_v128_bitselect(y, wasm_f32x4_splat(NAN_F32), wasm_f32x4_ge(x, wasm_f32x4_splat(1)));
}

static inline v128_t atanh_f32x4(v128_t x) {
	v128_t a = wasm_f32x4_abs(x);
	v128_t y = log1p_f32x4(wasm_f32x4_div(wasm_f32x4_add(a, a), wasm_f32x4_sub(wasm_f32x4_splat(1), a)));
	return with_sign_f32x4(wasm_f32x4_mul(y, wasm_f32x4_splat(0.5f)), x);
}
