// The f32 product of the tile kernels, plus bias if there is one: y[t, r] for 16 rows whose weights lie decoded as w[column][16], and any number of tokens.
// Every sum runs over the columns in order, so the number of tokens does not change a result.
#pragma once
#include "code.h"
#include "madd.h"

// `tokens` (1 to 4) by 8 rows: 8 sums, 2 weights and 4 inputs, which engines load before the first product, fill the
// registers of SSE and AVX.
INLINE void multiply_tokens(f32 *y, const f32 *x, const f32 *w, const f32 *bias, i32 tokens, i32 rows, i32 columns, i32 count) {
	UNROLL for (i32 half = 0; half < 2; half++) {
		v128_t low[4], high[4];
		UNROLL for (i32 t = 0; t < tokens; t++) low[t] = high[t] = wasm_f32x4_splat(0);
		const f32 *weights = w + 8 * half;
		for (i32 c = 0; c < columns; c++, weights += 16) {
			v128_t a = wasm_v128_load(weights), b = wasm_v128_load(weights + 4);
			UNROLL for (i32 t = 0; t < tokens; t++) {
				v128_t v = wasm_v128_load32_splat(x + t * columns + c);
				low[t] = madd_f32x4(v, a, low[t]);
				high[t] = madd_f32x4(v, b, high[t]);
			}
		}
		UNROLL for (i32 t = 0; t < tokens; t++) {
			store_biased(y + t * rows, low[t], bias, 8 * half, count);
			store_biased(y + t * rows, high[t], bias, 8 * half + 4, count);
		}
	}
}

// y and bias (or 0) point to the first of the 16 rows; `rows` is the distance of two tokens, `count` how many of the 16 rows exist.
INLINE void multiply_tile(f32 *y, const f32 *x, const f32 *w, const f32 *bias, i32 tokens, i32 rows, i32 columns, i32 count) {
	i32 t = 0;
	for (; t + 4 <= tokens; t += 4) multiply_tokens(y + t * rows, x + t * columns, w, bias, 4, rows, columns, count);
	y += t * rows;
	x += t * columns;
	if (tokens - t == 1) multiply_tokens(y, x, w, bias, 1, rows, columns, count);
	if (tokens - t == 2) multiply_tokens(y, x, w, bias, 2, rows, columns, count);
	if (tokens - t == 3) multiply_tokens(y, x, w, bias, 3, rows, columns, count);
}
