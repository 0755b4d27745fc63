// Element-wise functions of one f32 tensor: y[i] = f(x[i]). All work in place. By sixteens, which share the constants.
#include "share.h"
#include "trigonometry.h"

#define UNARY(name, function) \
	KERNEL(unary_##name##_f32)(f32 *y, const f32 *x, i32 count, i32 thread, i32 threads) { \
		Share share = share_of_elements(count, thread, threads); \
		i32 i = share.first; \
		for (; i + 16 <= share.end; i += 16) \
			UNROLL for (i32 k = 0; k < 16; k += 4) wasm_v128_store(y + i + k, function(wasm_v128_load(x + i + k))); \
		for (; i + 4 <= share.end; i += 4) wasm_v128_store(y + i, function(wasm_v128_load(x + i))); \
		for (; i < share.end; i++) y[i] = LANE(function, x[i]); \
	}

static inline v128_t reciprocal(v128_t x) { return wasm_f32x4_div(wasm_f32x4_splat(1), x); }

// max(x, 0) that keeps NaN.
static inline v128_t relu(v128_t x) { return wasm_f32x4_max(x, wasm_f32x4_splat(0)); }

// max(x, 0) + log(1 + e^-|x|)
static inline v128_t softplus(v128_t x) {
	return wasm_f32x4_add(relu(x), log1p_f32x4(exp_f32x4(wasm_f32x4_neg(wasm_f32x4_abs(x)))));
}

static inline v128_t softsign(v128_t x) { return wasm_f32x4_div(x, wasm_f32x4_add(wasm_f32x4_splat(1), wasm_f32x4_abs(x))); }

static inline v128_t mish(v128_t x) { return wasm_f32x4_mul(x, tanh_f32x4(softplus(x))); }

static inline v128_t hard_swish(v128_t x) {
	v128_t gate = muladd_f32x4(x, wasm_f32x4_splat(1.0f / 6), wasm_f32x4_splat(0.5f));
	return wasm_f32x4_mul(x, wasm_f32x4_max(wasm_f32x4_splat(0), wasm_f32x4_min(wasm_f32x4_splat(1), gate)));
}

// -1, 0 or 1; NaN and the zeros stay what they are.
static inline v128_t sign(v128_t x) {
	v128_t unit = with_sign_f32x4(wasm_f32x4_splat(1), x);
	return wasm_v128_bitselect(unit, x, wasm_f32x4_gt(wasm_f32x4_abs(x), wasm_f32x4_splat(0)));
}

UNARY(abs, wasm_f32x4_abs)
UNARY(neg, wasm_f32x4_neg)
UNARY(sqrt, wasm_f32x4_sqrt)
UNARY(floor, wasm_f32x4_floor)
UNARY(ceil, wasm_f32x4_ceil)
UNARY(round, wasm_f32x4_nearest)
UNARY(sign, sign)
UNARY(reciprocal, reciprocal)
UNARY(exp, exp_f32x4)
UNARY(log, log_f32x4)
UNARY(sin, sin_f32x4)
UNARY(cos, cos_f32x4)
UNARY(tan, tan_f32x4)
UNARY(asin, asin_f32x4)
UNARY(acos, acos_f32x4)
UNARY(atan, atan_f32x4)
UNARY(sinh, sinh_f32x4)
UNARY(cosh, cosh_f32x4)
UNARY(tanh, tanh_f32x4)
UNARY(asinh, asinh_f32x4)
UNARY(acosh, acosh_f32x4)
UNARY(atanh, atanh_f32x4)
UNARY(erf, erf_f32x4)
UNARY(relu, relu)
UNARY(sigmoid, sigmoid_f32x4)
UNARY(softplus, softplus)
UNARY(softsign, softsign)
UNARY(mish, mish)
UNARY(hard_swish, hard_swish)
UNARY(gelu, gelu_f32x4)
UNARY(gelu_tanh, gelu_tanh_f32x4)
UNARY(silu, silu_f32x4)
