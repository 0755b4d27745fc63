// What codes with column feedback share: 16 rows side by side, and how columns make up for the errors of those before them.
#pragma once
#include "code.h"

// Columns whose errors the columns behind them make up for together.
#define BLOCK 32

// The columns [first, end) make up for the errors of `count` columns from `from` on. Two at a time share the errors.
INLINE void make_up(f32 *weights, const f32 *errors, const f32 *u, i32 inputs, i32 from, i32 count, i32 first, i32 end) {
	for (i32 k = first; k < end; k += 2) {
		i32 both = k + 1 < end;
		f32 *to = weights + 16 * k;
		v128_t a[4], b[4];
		UNROLL for (i32 q = 0; q < 4; q++) a[q] = wasm_v128_load(to + 4 * q), b[q] = wasm_f32x4_splat(0);
		if (both) UNROLL for (i32 q = 0; q < 4; q++) b[q] = wasm_v128_load(to + 16 + 4 * q);
		const f32 *factor = u + from * inputs + k;
		ONE_BY_ONE for (i32 c = 0; c < count; c++, factor += inputs) {
			v128_t fa = wasm_v128_load32_splat(factor), fb = wasm_v128_load32_splat(factor + both);
			UNROLL for (i32 q = 0; q < 4; q++) {
				v128_t e = wasm_v128_load(errors + 16 * c + 4 * q);
				a[q] = wasm_f32x4_sub(a[q], wasm_f32x4_mul(e, fa));
				b[q] = wasm_f32x4_sub(b[q], wasm_f32x4_mul(e, fb));
			}
		}
		UNROLL for (i32 q = 0; q < 4; q++) wasm_v128_store(to + 4 * q, a[q]);
		if (both) UNROLL for (i32 q = 0; q < 4; q++) wasm_v128_store(to + 16 + 4 * q, b[q]);
	}
}

// Behind column j, whose errors are the last of `errors`: the columns of its block make up for it at once, the others for a whole block.
INLINE void make_up_for(f32 *weights, f32 *errors, const f32 *u, i32 inputs, i32 j) {
	i32 from = j - j % BLOCK, end = from + BLOCK < inputs ? from + BLOCK : inputs;
	make_up(weights, errors + 16 * (j - from), u, inputs, j, 1, j + 1, end);
	if (j + 1 == from + BLOCK) make_up(weights, errors, u, inputs, from, end - from, end, inputs);
}
