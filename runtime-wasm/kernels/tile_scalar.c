// y = x Wᵀ + bias for 4 to 8 bit integers and many tokens in the form of form_tile.c: 16 rows are decoded into scratch, then multiplied.
#include "tile_integer.h"

INLINE void tile_scalar(f32 *y, const u8 *x, const u32 *parts, const f32 *bias, u8 *scratch, i32 tokens, i32 rows, i32 columns, i32 group, i32 bits, Share blocks) {
	Product p = product_of(tokens, rows, columns, bits, group);
	i32 quads = group / 4, at = p.groups * quads * blocks.first;
	Slices s = slices_of(parts, bits);
	Tile tile = tile_of(scratch, bits, p.groups * group);
	for (i32 block = blocks.first; block < blocks.end; block++) {
		for (i32 g = 0; g < p.groups; g++) {
			i32 from = 16 * (block * p.groups + g);
			Quads zeros = put_group(&tile, bits, g, s.scales + from, s.zeros + from);
			for (i32 i = 0; i < quads; i++, at++) put_codes(&tile, bits, g * quads + i, load_codes(&s, bits, at), &zeros);
		}
		multiply_integer(y, x, &tile, bias, &p, bits, block);
	}
}

#define TILE(bits) \
	KERNEL(tile_scalar##bits)(f32 *y, const u8 *x, const u32 *parts, const f32 *bias, u8 *scratch, i32 tokens, i32 rows, i32 columns, i32 group, i32 thread, i32 threads) { \
		tile_scalar(y, x, parts, bias, scratch, tokens, rows, columns, group, bits, share_of(ceil_divide(rows, 16), thread, threads)); \
	}

TILE(4)
TILE(5)
TILE(6)
TILE(7)
TILE(8)
