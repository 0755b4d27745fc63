// Softmax, its logarithm and hardmax along one axis of x [outer, length, inner]. Four columns at a time. May work in place.
#include "math.h"

// Lane-wise over four columns that start at x; `inner` elements lie between the axis's elements.
static inline v128_t column_max(const f32 *x, i32 length, i32 inner) {
	v128_t top = wasm_v128_load(x);
	for (i32 k = 1; k < length; k++) top = wasm_f32x4_pmax(top, wasm_v128_load(x + k * inner));
	return top;
}

static inline f32 lane_max(const f32 *x, i32 length, i32 inner) {
	f32 top = x[0];
	for (i32 k = 1; k < length; k++) top = x[k * inner] > top ? x[k * inner] : top;
	return top;
}

KERNEL(softmax_strided_f32)(f32 *y, const f32 *x, i32 outer, i32 length, i32 inner) {
	for (i32 o = 0; o < outer && length; o++, x += length * inner, y += length * inner) {
		i32 i = 0;
		for (; i + 4 <= inner; i += 4) {
			v128_t top = column_max(x + i, length, inner), sum = wasm_f32x4_splat(0);
			for (i32 k = 0; k < length; k++) {
				v128_t e = exp_f32x4(wasm_f32x4_sub(wasm_v128_load(x + k * inner + i), top));
				wasm_v128_store(y + k * inner + i, e);
				sum = wasm_f32x4_add(sum, e);
			}
			for (i32 k = 0; k < length; k++) wasm_v128_store(y + k * inner + i, wasm_f32x4_div(wasm_v128_load(y + k * inner + i), sum));
		}
		for (; i < inner; i++) {
			f32 top = lane_max(x + i, length, inner), sum = 0;
			for (i32 k = 0; k < length; k++) sum += y[k * inner + i] = exp_f32(x[k * inner + i] - top);
			for (i32 k = 0; k < length; k++) y[k * inner + i] /= sum;
		}
	}
}

KERNEL(log_softmax_strided_f32)(f32 *y, const f32 *x, i32 outer, i32 length, i32 inner) {
	for (i32 o = 0; o < outer && length; o++, x += length * inner, y += length * inner) {
		i32 i = 0;
		for (; i + 4 <= inner; i += 4) {
			v128_t top = column_max(x + i, length, inner), sum = wasm_f32x4_splat(0);
			for (i32 k = 0; k < length; k++) sum = wasm_f32x4_add(sum, exp_f32x4(wasm_f32x4_sub(wasm_v128_load(x + k * inner + i), top)));
			v128_t log = log_f32x4(sum);
			for (i32 k = 0; k < length; k++) wasm_v128_store(y + k * inner + i, wasm_f32x4_sub(wasm_f32x4_sub(wasm_v128_load(x + k * inner + i), top), log));
		}
		for (; i < inner; i++) {
			f32 top = lane_max(x + i, length, inner), sum = 0;
			for (i32 k = 0; k < length; k++) sum += exp_f32(x[k * inner + i] - top);
			f32 log = log_f32(sum);
			for (i32 k = 0; k < length; k++) y[k * inner + i] = x[k * inner + i] - top - log;
		}
	}
}

// 1 at the first largest element, 0 elsewhere.
KERNEL(hardmax_f32)(f32 *y, const f32 *x, i32 outer, i32 length, i32 inner) {
	for (i32 o = 0; o < outer; o++, x += length * inner, y += length * inner) {
		for (i32 i = 0; i < inner; i++) {
			i32 at = 0;
			f32 best = x[i];
			for (i32 k = 1; k < length; k++) {
				if (x[k * inner + i] > best) best = x[k * inner + i], at = k;
			}
			for (i32 k = 0; k < length; k++) y[k * inner + i] = k == at;
		}
	}
}
