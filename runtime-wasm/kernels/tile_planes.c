// y = x Wᵀ + bias for bit planes and many tokens in the form of form_tile.c: 16 rows are decoded into scratch, then multiplied.
#include "planes.h"
#include "tile_integer.h"

INLINE v128_t mix_low(v128_t a, v128_t b) { return wasm_i8x16_shuffle(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23); }
INLINE v128_t mix_high(v128_t a, v128_t b) { return wasm_i8x16_shuffle(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31); }
INLINE v128_t mix_pairs_low(v128_t a, v128_t b) { return wasm_i16x8_shuffle(a, b, 0, 8, 1, 9, 2, 10, 3, 11); }
INLINE v128_t mix_pairs_high(v128_t a, v128_t b) { return wasm_i16x8_shuffle(a, b, 4, 12, 5, 13, 6, 14, 7, 15); }

// Column `i` of an octet: a byte for each of 16 rows. Planes are given lowest first.
INLINE v128_t column(const v128_t *planes, i32 bits, i32 i) {
	v128_t one = wasm_i8x16_splat(1), code = wasm_v128_and(wasm_u16x8_shr(planes[bits - 1], i), one);
	UNROLL for (i32 b = bits - 2; b >= 0; b--) code = wasm_v128_or(wasm_i8x16_add(code, code), wasm_v128_and(wasm_u16x8_shr(planes[b], i), one));
	return code;
}

// Octet `at` of the parts, the `octet`th of its rows.
INLINE void put_octet(const Tile *tile, i32 octet, const Planes *p, i32 bits, i32 at, const Quads *zeros) {
	v128_t a = wasm_v128_load(p->pairs + 32 * at), b = wasm_v128_load(p->pairs + 32 * at + 16), planes[3];
	planes[bits - 2] = wasm_i8x16_shuffle(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
	planes[bits - 1] = wasm_i8x16_shuffle(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
	if (bits == 3) planes[0] = wasm_v128_load(p->plane + 16 * at);
	UNROLL for (i32 quad = 0; quad < 2; quad++) {
		v128_t c0 = column(planes, bits, 4 * quad), c1 = column(planes, bits, 4 * quad + 1);
		v128_t c2 = column(planes, bits, 4 * quad + 2), c3 = column(planes, bits, 4 * quad + 3);
		v128_t low = mix_low(c0, c1), high = mix_high(c0, c1), low2 = mix_low(c2, c3), high2 = mix_high(c2, c3);
		Codes codes = {{mix_pairs_low(low, low2), mix_pairs_high(low, low2), mix_pairs_low(high, high2), mix_pairs_high(high, high2)}};
		put_codes(tile, bits, 2 * octet + quad, codes, zeros);
	}
}

INLINE void tile_planes(f32 *y, const u8 *x, const u32 *parts, const f32 *bias, u8 *scratch, i32 tokens, i32 rows, i32 columns, i32 group, i32 bits, Share blocks) {
	Product product = product_of(tokens, rows, columns, bits, group);
	i32 octets = group / 8, at = product.groups * octets * blocks.first;
	Planes p = planes_of(parts, bits);
	Tile tile = tile_of(scratch, bits, product.groups * group);
	for (i32 block = blocks.first; block < blocks.end; block++) {
		for (i32 g = 0; g < product.groups; g++) {
			i32 from = 16 * (block * product.groups + g);
			Quads zeros = put_group(&tile, bits, g, p.scales + from, p.zeros + from);
			for (i32 o = 0; o < octets; o++, at++) put_octet(&tile, g * octets + o, &p, bits, at, &zeros);
		}
		multiply_integer(y, x, &tile, bias, &product, bits, block);
	}
}

#define TILE(bits) \
	KERNEL(tile_planes##bits)(f32 *y, const u8 *x, const u32 *parts, const f32 *bias, u8 *scratch, i32 tokens, i32 rows, i32 columns, i32 group, i32 thread, i32 threads) { \
		tile_planes(y, x, parts, bias, scratch, tokens, rows, columns, group, bits, share_of(ceil_divide(rows, 16), thread, threads)); \
	}

TILE(2)
TILE(3)
