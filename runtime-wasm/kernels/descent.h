// Descent by columns: with all other codes as they are, the best value of a column is where the gradient of tr(E H E^T) vanishes, E the
// errors. What codes with it share; 16 rows side by side, as in feedback.h.
#pragma once
#include "code.h"

// gradient[k] = sum over c of errors[c] h[k][c], two columns at a time. h is symmetric.
INLINE void gradient_of(f32 *gradient, const f32 *errors, const f32 *h, i32 inputs) {
	for (i32 k = 0; k < inputs; k += 2) {
		i32 both = k + 1 < inputs;
		const f32 *row = h + k * inputs, *next = row + both * inputs;
		v128_t a[4], b[4];
		UNROLL for (i32 q = 0; q < 4; q++) a[q] = b[q] = wasm_f32x4_splat(0);
		ONE_BY_ONE for (i32 c = 0; c < inputs; c++) {
			v128_t ha = wasm_v128_load32_splat(row + c), hb = wasm_v128_load32_splat(next + c);
			UNROLL for (i32 q = 0; q < 4; q++) {
				v128_t e = wasm_v128_load(errors + 16 * c + 4 * q);
				a[q] = wasm_f32x4_add(a[q], wasm_f32x4_mul(e, ha));
				b[q] = wasm_f32x4_add(b[q], wasm_f32x4_mul(e, hb));
			}
		}
		UNROLL for (i32 q = 0; q < 4; q++) wasm_v128_store(gradient + 16 * k + 4 * q, a[q]);
		if (both) UNROLL for (i32 q = 0; q < 4; q++) wasm_v128_store(gradient + 16 * (k + 1) + 4 * q, b[q]);
	}
}

// The gradient after one column's values grew by 16 changes, if any did.
INLINE void follow(f32 *gradient, const f32 *changes, const f32 *row, i32 inputs) {
	v128_t change[4];
	UNROLL for (i32 q = 0; q < 4; q++) change[q] = wasm_v128_load(changes + 4 * q);
	v128_t any = wasm_v128_or(wasm_v128_or(change[0], change[1]), wasm_v128_or(change[2], change[3]));
	if (!wasm_v128_any_true(any)) return;
	ONE_BY_ONE for (i32 k = 0; k < inputs; k++) {
		v128_t factor = wasm_v128_load32_splat(row + k);
		f32 *to = gradient + 16 * k;
		UNROLL for (i32 q = 0; q < 4; q++) wasm_v128_store(to + 4 * q, wasm_f32x4_sub(wasm_v128_load(to + 4 * q), wasm_f32x4_mul(change[q], factor)));
	}
}
