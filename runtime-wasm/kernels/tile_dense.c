// y = x Wᵀ for dense weights and many tokens: 16 rows are transposed into scratch [padded columns][16], then multiplied in f32.
#include "dense.h"
#include "tile.h"

// Rows `row` to `row + 4` of four columns, transposed to out[column][16]; rows past the end repeat the last one and are never stored.
INLINE void transpose_quad(f32 *out, const u32 *parts, i32 half, i32 row, i32 last, i32 c, i32 columns) {
	v128_t a = load_dense(dense_row(parts, half, row < last ? row : last, columns), half, c, columns);
	v128_t b = load_dense(dense_row(parts, half, row + 1 < last ? row + 1 : last, columns), half, c, columns);
	v128_t d = load_dense(dense_row(parts, half, row + 2 < last ? row + 2 : last, columns), half, c, columns);
	v128_t e = load_dense(dense_row(parts, half, row + 3 < last ? row + 3 : last, columns), half, c, columns);
	v128_t ab_low = wasm_i32x4_shuffle(a, b, 0, 4, 1, 5), ab_high = wasm_i32x4_shuffle(a, b, 2, 6, 3, 7);
	v128_t de_low = wasm_i32x4_shuffle(d, e, 0, 4, 1, 5), de_high = wasm_i32x4_shuffle(d, e, 2, 6, 3, 7);
	wasm_v128_store(out, wasm_i64x2_shuffle(ab_low, de_low, 0, 2));
	wasm_v128_store(out + 16, wasm_i64x2_shuffle(ab_low, de_low, 1, 3));
	wasm_v128_store(out + 32, wasm_i64x2_shuffle(ab_high, de_high, 0, 2));
	wasm_v128_store(out + 48, wasm_i64x2_shuffle(ab_high, de_high, 1, 3));
}

INLINE void tile_dense(f32 *y, const f32 *x, const u32 *parts, f32 *scratch, i32 tokens, i32 rows, i32 columns, i32 half) {
	for (i32 row = 0; row < rows; row += 16) {
		for (i32 c = 0; c < columns; c += 4) {
			UNROLL for (i32 q = 0; q < 4; q++) transpose_quad(scratch + 16 * c + 4 * q, parts, half, row + 4 * q, rows - 1, c, columns);
		}
		multiply_tile(y + row, x, scratch, tokens, rows, columns, rows - row < 16 ? rows - row : 16);
	}
}

KERNEL(tile_dense_f32)(f32 *y, const f32 *x, const u32 *parts, f32 *scratch, i32 tokens, i32 rows, i32 columns) {
	tile_dense(y, x, parts, scratch, tokens, rows, columns, 0);
}
KERNEL(tile_dense_f16)(f32 *y, const f32 *x, const u32 *parts, f32 *scratch, i32 tokens, i32 rows, i32 columns) {
	tile_dense(y, x, parts, scratch, tokens, rows, columns, 1);
}
