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

// pmax(a, b) is b only where a < b, so a NaN in b changes nothing.
static inline f32 largest_f32(const f32 *x, i32 columns) {
	v128_t tops = wasm_f32x4_splat(-INFINITY_F32);
	i32 c = 0;
	for (; c + 4 <= columns; c += 4) tops = wasm_f32x4_pmax(tops, wasm_v128_load(x + c));
	f32 top = max_f32x4(tops);
	for (; c < columns; c++) top = x[c] > top ? x[c] : top;
	return top;
}

// A number that, added to one below 2^22, leaves the nearest whole number in the low bits of the sum: cheaper than rounding and
// converting, which WebAssembly defines for all numbers.
#define WHOLE 0x1.8p23f

// 2^i for whole numbers -127 < i < 128.
static inline v128_t power_of_two(v128_t i) { return wasm_i32x4_shl(wasm_i32x4_add(i, wasm_i32x4_splat(127)), 23); }

// e^x. Cody-Waite reduction x = n ln 2 + r with |r| <= ln 2 / 2, a degree-7 Taylor polynomial in r (error below 2 ulp), and 2^n in
// two factors so that results reach the denormals. NaN stays NaN; above 88.73 the result is infinity, below -104 it is 0.
static inline v128_t exp_f32x4(v128_t x) {
	v128_t low = wasm_f32x4_splat(-104.0f), high = wasm_f32x4_splat(89.0f), whole = wasm_f32x4_splat(WHOLE);
	v128_t z = wasm_f32x4_pmin(wasm_f32x4_pmax(x, low), high);
	v128_t sum = wasm_f32x4_add(wasm_f32x4_mul(z, wasm_f32x4_splat(1.44269504088896341f)), whole), n = wasm_f32x4_sub(sum, whole);
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
	v128_t i = wasm_i32x4_sub(sum, whole), half = wasm_i32x4_shr(i, 1);
	return wasm_f32x4_mul(wasm_f32x4_mul(p, power_of_two(half)), power_of_two(wasm_i32x4_sub(i, half)));
}

// 2^z for z in [-126, 0]: a polynomial of our own in the distance from the nearest whole number (relative error below 1e-7), 2^0 is 1.
// Down to -127 it falls to 0.
static inline v128_t exp2_negative_f32x4(v128_t z) {
	v128_t whole = wasm_f32x4_splat(WHOLE), sum = wasm_f32x4_add(z, whole), r = wasm_f32x4_sub(z, wasm_f32x4_sub(sum, whole));
	v128_t p = wasm_f32x4_splat(1.326472691e-3f);
	p = wasm_f32x4_add(wasm_f32x4_mul(p, r), wasm_f32x4_splat(9.671512660e-3f));
	p = wasm_f32x4_add(wasm_f32x4_mul(p, r), wasm_f32x4_splat(5.550733744e-2f));
	p = wasm_f32x4_add(wasm_f32x4_mul(p, r), wasm_f32x4_splat(2.402224208e-1f));
	p = wasm_f32x4_add(wasm_f32x4_mul(p, r), wasm_f32x4_splat(6.931469776e-1f));
	p = wasm_f32x4_add(wasm_f32x4_mul(p, r), wasm_f32x4_splat(1));
	return wasm_i32x4_add(p, wasm_i32x4_shl(sum, 23));
}

static inline f32 exp_f32(f32 x) { return wasm_f32x4_extract_lane(exp_f32x4(wasm_f32x4_splat(x)), 0); }

// The lane-wise form of a scalar call, for tails.
#define LANE(function, x) wasm_f32x4_extract_lane(function(wasm_f32x4_splat(x)), 0)

#define SPLAT(x) wasm_f32x4_splat(x)

// a * b + c, rounded twice: the same on every machine.
static inline v128_t muladd_f32x4(v128_t a, v128_t b, v128_t c) { return wasm_f32x4_add(wasm_f32x4_mul(a, b), c); }

static inline v128_t with_sign_f32x4(v128_t magnitude, v128_t sign) { return wasm_v128_bitselect(sign, magnitude, wasm_f32x4_splat(-0.0f)); }

// e^x - 1. Near 0 the Taylor series to degree 8, elsewhere the difference, which loses at most two bits there.
static inline v128_t expm1_f32x4(v128_t x) {
	v128_t p = SPLAT(1.0f / 40320);
	p = muladd_f32x4(p, x, SPLAT(1.0f / 5040));
	p = muladd_f32x4(p, x, SPLAT(1.0f / 720));
	p = muladd_f32x4(p, x, SPLAT(1.0f / 120));
	p = muladd_f32x4(p, x, SPLAT(1.0f / 24));
	p = muladd_f32x4(p, x, SPLAT(1.0f / 6));
	p = muladd_f32x4(p, x, SPLAT(0.5f));
	p = muladd_f32x4(wasm_f32x4_mul(p, x), x, x);
	v128_t far = wasm_f32x4_sub(exp_f32x4(x), SPLAT(1));
	return wasm_v128_bitselect(p, far, wasm_f32x4_lt(wasm_f32x4_abs(x), SPLAT(0.5f)));
}

// The natural logarithm. x = m 2^e with m in [1/sqrt 2, sqrt 2), log m = 2 artanh((m - 1) / (m + 1)) by its series; ln 2 in two parts.
static inline v128_t log_f32x4(v128_t x) {
	v128_t tiny = wasm_f32x4_lt(x, SPLAT(1.17549435e-38f));
	v128_t z = wasm_v128_bitselect(wasm_f32x4_mul(x, SPLAT(8388608.0f)), x, tiny);
	v128_t shift = wasm_i32x4_sub(z, wasm_i32x4_splat(0x3f3504f3));
	v128_t e = wasm_i32x4_shr(shift, 23);
	v128_t m = wasm_i32x4_sub(z, wasm_i32x4_shl(e, 23));
	e = wasm_f32x4_sub(wasm_f32x4_convert_i32x4(e), wasm_v128_and(SPLAT(23), tiny));
	v128_t s = wasm_f32x4_div(wasm_f32x4_sub(m, SPLAT(1)), wasm_f32x4_add(m, SPLAT(1)));
	v128_t q = wasm_f32x4_mul(s, s);
	v128_t p = SPLAT(2.0f / 9);
	p = muladd_f32x4(p, q, SPLAT(2.0f / 7));
	p = muladd_f32x4(p, q, SPLAT(2.0f / 5));
	p = muladd_f32x4(p, q, SPLAT(2.0f / 3));
	p = wasm_f32x4_mul(wasm_f32x4_mul(p, q), s);
	v128_t y = muladd_f32x4(e, SPLAT(-2.12194440e-4f), p);
	y = muladd_f32x4(e, SPLAT(0.693359375f), wasm_f32x4_add(wasm_f32x4_add(s, s), y));
	y = wasm_v128_bitselect(SPLAT(-INFINITY_F32), y, wasm_f32x4_eq(x, SPLAT(0)));
	y = wasm_v128_bitselect(x, y, wasm_f32x4_eq(x, SPLAT(INFINITY_F32)));
	return wasm_v128_bitselect(y, SPLAT(NAN_F32), wasm_f32x4_ge(x, SPLAT(0)));
}

// log(1 + x): the logarithm of the rounded sum, corrected by the ratio of x to what the sum kept of it.
static inline v128_t log1p_f32x4(v128_t x) {
	v128_t u = wasm_f32x4_add(x, SPLAT(1));
	v128_t kept = wasm_f32x4_sub(u, SPLAT(1));
	v128_t y = wasm_f32x4_mul(log_f32x4(u), wasm_f32x4_div(x, kept));
	y = wasm_v128_bitselect(x, y, wasm_v128_or(wasm_f32x4_eq(kept, SPLAT(0)), wasm_f32x4_eq(x, SPLAT(INFINITY_F32))));
	return wasm_v128_bitselect(SPLAT(-INFINITY_F32), y, wasm_f32x4_eq(u, SPLAT(0)));
}

static inline v128_t sigmoid_f32x4(v128_t x) { return wasm_f32x4_div(SPLAT(1), wasm_f32x4_add(SPLAT(1), exp_f32x4(wasm_f32x4_neg(x)))); }

// tanh |x| = t / (t + 2) with t = e^(2|x|) - 1; beyond 10 it is 1 in f32.
static inline v128_t tanh_f32x4(v128_t x) {
	v128_t a = wasm_f32x4_pmin(wasm_f32x4_abs(x), SPLAT(10));
	v128_t t = expm1_f32x4(wasm_f32x4_add(a, a));
	return with_sign_f32x4(wasm_f32x4_div(t, wasm_f32x4_add(t, SPLAT(2))), x);
}

// The error function. Below 1 a polynomial in x^2, above it 1 - exp(q(x) - x^2), both Chebyshev fits of our own (error below 2e-8).
static inline v128_t erf_f32x4(v128_t x) {
	v128_t a = wasm_f32x4_pmin(wasm_f32x4_abs(x), SPLAT(4));
	v128_t z = wasm_f32x4_mul(a, a);
	v128_t p = SPLAT(7.882497117e-05f);
	p = muladd_f32x4(p, z, SPLAT(-8.018854994e-04f));
	p = muladd_f32x4(p, z, SPLAT(5.189311943e-03f));
	p = muladd_f32x4(p, z, SPLAT(-2.685432880e-02f));
	p = muladd_f32x4(p, z, SPLAT(1.128359746e-01f));
	p = muladd_f32x4(p, z, SPLAT(-3.761262690e-01f));
	p = muladd_f32x4(p, z, SPLAT(1.283791671e-01f));
	p = muladd_f32x4(p, a, a);
	v128_t q = SPLAT(1.614061608e-06f);
	q = muladd_f32x4(q, a, SPLAT(-4.559062256e-05f));
	q = muladd_f32x4(q, a, SPLAT(5.927695388e-04f));
	q = muladd_f32x4(q, a, SPLAT(-4.740222346e-03f));
	q = muladd_f32x4(q, a, SPLAT(2.636471738e-02f));
	q = muladd_f32x4(q, a, SPLAT(-1.099782452e-01f));
	q = muladd_f32x4(q, a, SPLAT(3.680629064e-01f));
	q = muladd_f32x4(q, a, SPLAT(-1.130166676f));
	q = muladd_f32x4(q, a, SPLAT(3.032129749e-04f));
	v128_t far = wasm_f32x4_sub(SPLAT(1), exp_f32x4(wasm_f32x4_sub(q, z)));
	return with_sign_f32x4(wasm_v128_bitselect(p, far, wasm_f32x4_lt(a, SPLAT(1))), x);
}

// x / 2 (1 + erf(x / sqrt 2)) = max(x, 0) - |x| F(-|x|) with F the normal distribution, whose eighth root a reciprocal of a polynomial
// fits (our own fit, error of the product below 8e-9; with roundings 1.7e-7). From 12 on the product is nothing in f32.
static inline v128_t gelu_f32x4(v128_t x) {
	v128_t a = wasm_f32x4_pmin(wasm_f32x4_abs(x), SPLAT(12));
	v128_t p = SPLAT(4.240996846e-07f);
	p = muladd_f32x4(p, a, SPLAT(-2.968644973e-06f));
	p = muladd_f32x4(p, a, SPLAT(1.861619097e-05f));
	p = muladd_f32x4(p, a, SPLAT(-1.128277755e-05f));
	p = muladd_f32x4(p, a, SPLAT(3.389217328e-04f));
	p = muladd_f32x4(p, a, SPLAT(8.333493661e-04f));
	p = muladd_f32x4(p, a, SPLAT(9.514737007e-03f));
	p = muladd_f32x4(p, a, SPLAT(4.879625606e-02f));
	p = muladd_f32x4(p, a, SPLAT(1.087650969e-01f));
	p = muladd_f32x4(p, a, SPLAT(1.090507594f));
	p = wasm_f32x4_mul(p, p);
	p = wasm_f32x4_mul(p, p);
	p = wasm_f32x4_mul(p, p);
	return wasm_f32x4_sub(wasm_f32x4_pmax(x, SPLAT(0)), wasm_f32x4_div(a, p));
}

// x / 2 (1 + tanh u) = x sigmoid(2u).
static inline v128_t gelu_tanh_f32x4(v128_t x) {
	v128_t cubic = muladd_f32x4(wasm_f32x4_mul(x, x), SPLAT(0.044715f), SPLAT(1));
	v128_t u = wasm_f32x4_mul(wasm_f32x4_mul(x, cubic), SPLAT(1.5957691216057308f));
	return wasm_f32x4_mul(x, sigmoid_f32x4(u));
}

static inline v128_t silu_f32x4(v128_t x) { return wasm_f32x4_mul(x, sigmoid_f32x4(x)); }

#undef SPLAT

static inline f32 log_f32(f32 x) { return LANE(log_f32x4, x); }
