// Activations with parameters: y[i] = f(x[i]; alpha, beta), f32. All work in place.
#include "math.h"
#include "share.h"

#define PARAMETRIC(name, parameters, expression) \
	KERNEL(unary_##name##_f32)parameters { \
		v128_t a = wasm_f32x4_splat(alpha), b = wasm_f32x4_splat(beta), zero = wasm_f32x4_splat(0); \
		Share share = share_of_elements(count, thread, threads); \
		i32 i = share.first; \
		for (; i + 4 <= share.end; i += 4) { \
			v128_t v = wasm_v128_load(x + i); \
			wasm_v128_store(y + i, expression); \
		} \
		for (; i < share.end; i++) { \
			v128_t v = wasm_f32x4_splat(x[i]); \
			y[i] = wasm_f32x4_extract_lane(expression, 0); \
		} \
		(void)a, (void)b, (void)zero; \
	}

#define SELECT(condition, yes, no) wasm_v128_bitselect(yes, no, condition)
#define TWO (f32 *y, const f32 *x, i32 count, f32 alpha, f32 beta, i32 thread, i32 threads)

// x < 0 ? alpha x : x
PARAMETRIC(leaky_relu, TWO, SELECT(wasm_f32x4_lt(v, zero), wasm_f32x4_mul(a, v), v))
// beta (x < 0 ? alpha (e^x - 1) : x)
PARAMETRIC(elu, TWO, wasm_f32x4_mul(b, SELECT(wasm_f32x4_lt(v, zero), wasm_f32x4_mul(a, expm1_f32x4(v)), v)))
// max(x, 0) + min(0, alpha (e^(x / alpha) - 1))
PARAMETRIC(celu, TWO, SELECT(wasm_f32x4_lt(v, zero), wasm_f32x4_mul(a, expm1_f32x4(wasm_f32x4_div(v, a))), v))
PARAMETRIC(hard_sigmoid, TWO, wasm_f32x4_max(zero, wasm_f32x4_min(wasm_f32x4_splat(1), muladd_f32x4(a, v, b))))
PARAMETRIC(thresholded_relu, TWO, SELECT(wasm_f32x4_le(v, a), zero, v))
// x sigmoid(alpha x)
PARAMETRIC(swish, TWO, wasm_f32x4_mul(v, sigmoid_f32x4(wasm_f32x4_mul(a, v))))
// alpha x + beta
PARAMETRIC(affine, TWO, muladd_f32x4(a, v, b))
// min(max(x, alpha), beta), NaN stays.
PARAMETRIC(clip, TWO, wasm_f32x4_min(wasm_f32x4_max(v, a), b))
