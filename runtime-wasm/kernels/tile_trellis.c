// y = x Wᵀ + bias for trellis codes and many tokens in 16 bits (form_tile.c): 16 rows are decoded into scratch, then multiplied as integers
// of 8 bits are.
#include "tile_integer.h"
#include "trellis.h"

INLINE void tile_trellis(f32 *y, const u8 *x, const u32 *parts, const f32 *bias, u8 *scratch, i32 tokens, i32 rows, i32 columns, i32 halves, Share blocks) {
	i32 wide = padded_columns(columns);
	Trellis w = trellis_of(parts, rows, columns);
	Product p = product_of(tokens, rows, columns, 8, wide);
	Tile tile = tile_of(scratch, 8, wide);
	for (i32 block = blocks.first; block < blocks.end; block++) {
		const u8 *codes = w.codes + 8 * halves * w.octets * block;
		ONE_BY_ONE for (i32 octet = 0; octet < w.octets; octet++, codes += 8 * halves) {
			Words words = load_words(codes, w.octets, halves, block % w.segment == 0);
			UNROLL for (i32 q = 0; q < 4; q++) {
				u8 *to = tile.codes + q / 2 * tile.half + 128 * octet + 16 * (q % 2);
				put_steps(to, 32, values_of(&words, halves, 4 * q), values_of(&words, halves, 4 * q + 1), values_of(&words, halves, 4 * q + 2), values_of(&words, halves, 4 * q + 3));
			}
		}
		Rows scales = trellis_scales(w.scales + 16 * block);
		UNROLL for (i32 q = 0; q < 4; q++) wasm_v128_store(tile.scales + 4 * q, wasm_f32x4_mul(scales.q[q], wasm_f32x4_splat(1.0f / UNITS)));
		multiply_integer(y, x, &tile, bias, &p, 8, block);
	}
}

#define TILE(name, halves) \
	KERNEL(tile_trellis##name)(f32 *y, const u8 *x, const u32 *parts, const f32 *bias, u8 *scratch, i32 tokens, i32 rows, i32 columns, i32 thread, i32 threads) { \
		tile_trellis(y, x, parts, bias, scratch, tokens, rows, columns, halves, share_of(ceil_divide(rows, 16), thread, threads)); \
	}

EACH_TRELLIS(TILE)
