// y = x Wᵀ + bias for dense weights and many tokens. Blocks in f32 are multiplied as they lie; one in f16 is first widened into scratch
// [columns][8]. Every sum runs over the columns in order, so neither the number of tokens nor of threads changes a result. Threads
// share blocks of rows.
#include "dense.h"

// Inputs (f32) that stay in the second cache while all rows pass by.
#define PANEL 65536

// `tokens` (1 to 4) by 8 rows: 8 sums, 2 weights and 4 inputs, which engines load before the first product, fill the registers of SSE
// and AVX.
INLINE void multiply_tokens(f32 *y, const f32 *x, const f32 *w, const f32 *bias, i32 tokens, i32 rows, i32 columns, i32 count) {
	v128_t low[4], high[4];
	UNROLL for (i32 t = 0; t < tokens; t++) low[t] = high[t] = wasm_f32x4_splat(0);
	ONE_BY_ONE for (i32 c = 0; c < columns; c++) {
		Eight weights = load_eight(w, 0, c);
		UNROLL for (i32 t = 0; t < tokens; t++) {
			v128_t input = wasm_v128_load32_splat(x + t * columns + c);
			low[t] = madd_f32x4(input, weights.low, low[t]);
			high[t] = madd_f32x4(input, weights.high, high[t]);
		}
	}
	UNROLL for (i32 t = 0; t < tokens; t++) {
		store_biased(y + t * rows, low[t], bias, 0, count);
		store_biased(y + t * rows, high[t], bias, 4, count);
	}
}

// y and bias (or 0) point to the first of the block's rows, of which `count` exist.
INLINE void multiply_block(f32 *y, const f32 *x, const f32 *w, const f32 *bias, i32 tokens, i32 rows, i32 columns, i32 count) {
	i32 t = 0;
	for (; t + 4 <= tokens; t += 4) multiply_tokens(y + t * rows, x + t * columns, w, bias, 4, rows, columns, count);
	y += t * rows;
	x += t * columns;
	if (tokens - t == 1) multiply_tokens(y, x, w, bias, 1, rows, columns, count);
	if (tokens - t == 2) multiply_tokens(y, x, w, bias, 2, rows, columns, count);
	if (tokens - t == 3) multiply_tokens(y, x, w, bias, 3, rows, columns, count);
}

KERNEL(tile_dense_f32)(f32 *y, const f32 *x, const u32 *parts, const f32 *bias, f32 *scratch, i32 tokens, i32 rows, i32 columns, i32 thread, i32 threads) {
	Share share = share_of(ceil_divide(rows, BLOCK), thread, threads);
	i32 panel = PANEL / columns < 8 ? 8 : PANEL / columns & ~3;
	for (i32 first = 0; first < tokens; first += panel) {
		i32 count = tokens - first < panel ? tokens - first : panel;
		for (i32 block = share.first; block < share.end; block++) {
			i32 row = block * BLOCK;
			multiply_block(y + first * rows + row, x + first * columns, dense_block(parts, 0, block, columns), bias ? bias + row : 0, count, rows, columns, rows - row);
		}
	}
	(void)scratch;
}

KERNEL(tile_dense_f16)(f32 *y, const f32 *x, const u32 *parts, const f32 *bias, f32 *scratch, i32 tokens, i32 rows, i32 columns, i32 thread, i32 threads) {
	Share share = share_of(ceil_divide(rows, BLOCK), thread, threads);
	for (i32 block = share.first; block < share.end; block++) {
		i32 row = block * BLOCK;
		const void *halfs = dense_block(parts, 1, block, columns);
		for (i32 c = 0; c < columns; c++) {
			Eight wide = load_eight(halfs, 1, c);
			wasm_v128_store(scratch + 8 * c, wide.low);
			wasm_v128_store(scratch + 8 * c + 4, wide.high);
		}
		multiply_block(y + row, x, scratch, bias ? bias + row : 0, tokens, rows, columns, rows - row);
	}
}
