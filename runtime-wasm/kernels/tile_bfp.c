// y = x Wᵀ + bias for weights in block floating point and many vectors, which are rounded to the same here, a panel after the other. Every
// sum runs over the blocks of columns in order, so neither the number of tokens nor of threads changes a result. Threads share blocks of rows,
// and each rounds for itself.
#include "bfp.h"

// Bytes of rounded vectors that stay in a cache while all rows pass by.
#define PANEL 65536

INLINE void round_vectors(u8 *to, const f32 *x, i32 tokens, i32 columns) {
	for (i32 t = 0; t < tokens; t += 4, x += 4 * columns) {
		for (i32 c = 0; c < columns; c += BFP_BLOCK, to += BFP_VECTORS) {
			round_block(to, 16, (f32 *)(to + BFP_VECTORS - 16), x, tokens - t, c, columns);
		}
	}
}

// y and bias (or 0) point to the first of the block's rows, of which `count` exist.
INLINE void multiply_rows(f32 *y, const u8 *x, Bfp w, const f32 *bias, i32 tokens, i32 rows, i32 count) {
	for (i32 first = 0; first < tokens; first += 4) {
		Block total;
		UNROLL EACH total.of[t][q] = wasm_f32x4_splat(0);
		const u8 *codes = w.codes;
		const f32 *units = w.units;
		for (i32 b = 0; b < w.blocks; b++, codes += BFP_CODES, units += BFP_ROWS, x += BFP_VECTORS) {
			add_dots(&total, dots_of(codes, x, 16), (const f32 *)(x + BFP_VECTORS - 16), units);
		}
		UNROLL EACH if (first + t < tokens) store_biased(y + (first + t) * rows, total.of[t][q], bias, 4 * q, count);
	}
}

// scratch: PANEL bytes, or those of four vectors where they have more.
KERNEL(tile_bfp)(f32 *y, const f32 *x, const u32 *parts, const f32 *bias, u8 *scratch, i32 tokens, i32 rows, i32 columns, i32 thread, i32 threads) {
	Share share = share_of(ceil_divide(rows, BFP_ROWS), thread, threads);
	i32 bytes = ceil_divide(columns, BFP_BLOCK) * BFP_VECTORS, panel = PANEL < bytes ? 4 : PANEL / bytes * 4;
	for (i32 first = 0; first < tokens; first += panel) {
		i32 count = tokens - first < panel ? tokens - first : panel;
		round_vectors(scratch, x + first * columns, count, columns);
		for (i32 block = share.first; block < share.end; block++) {
			i32 row = block * BFP_ROWS;
			multiply_rows(y + first * rows + row, scratch, bfp_of(parts, block, columns), bias ? bias + row : 0, count, rows, rows - row);
		}
	}
}
