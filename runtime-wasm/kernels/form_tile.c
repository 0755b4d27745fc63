// Input forms of the tile kernels: vectors side by side by fours, rounded to integers with one unit A = largest magnitude / limit for
// each vector and block of 64 or 32 columns. Limit 127 for codes below 8 bits, else 32767. A block of four vectors is
//   the integers   bytes where `narrow` (see dots.h): four columns of each vector in turn; else 16-bit integers: columns 0 and 2 of each
//                  vector in turn, then 1 and 3
//   four A x 2^56 as f32, then, for codes below 8 bits, the four sums of the integers as i32
// Vectors past the last are zeros.
#include "rounding.h"
#include "tile_integer.h"

// Four columns of four vectors.
typedef struct {
	v128_t of[4];
} Columns;

INLINE Columns load_columns(const f32 *x, i32 tokens, i32 at, i32 columns) {
	Columns c;
	UNROLL for (i32 t = 0; t < 4; t++) c.of[t] = t < tokens ? load_inputs(x + t * columns, at, columns) : wasm_f32x4_splat(0);
	return c;
}

INLINE void put_columns(u8 *out, const Columns *c, i32 bits) {
	v128_t a = wasm_i16x8_narrow_i32x4(c->of[0], c->of[1]), b = wasm_i16x8_narrow_i32x4(c->of[2], c->of[3]);
	if (is_narrow(bits)) {
		wasm_v128_store(out, wasm_i8x16_narrow_i16x8(a, b));
	} else {
		wasm_v128_store(out, wasm_i16x8_shuffle(a, b, 0, 2, 4, 6, 8, 10, 12, 14));
		wasm_v128_store(out + 16, wasm_i16x8_shuffle(a, b, 1, 3, 5, 7, 9, 11, 13, 15));
	}
}

INLINE void form_block(u8 *out, const f32 *x, i32 tokens, i32 at, i32 columns, i32 bits, i32 size) {
	Columns sums, inverse;
	Extent extents[4];
	f32 limit = bits < 8 ? 127 : 32767;
	UNROLL for (i32 t = 0; t < 4; t++) sums.of[t] = wasm_i32x4_splat(0), extents[t] = no_extent();
	for (i32 i = 0; i < size; i += 4) {
		Columns c = load_columns(x, tokens, at + i, columns);
		UNROLL for (i32 t = 0; t < 4; t++) extents[t] = extend_to(extents[t], wasm_f32x4_abs(c.of[t]));
	}
	u8 *end = out + 4 * size * row_bytes(bits);
	UNROLL for (i32 t = 0; t < 4; t++) {
		f32 largest = largest_of(extents[t]);
		inverse.of[t] = inverse_of(largest, limit);
		*(f32 *)(end + 4 * t) = largest / limit * TWO_56;
	}
	for (i32 i = 0; i < size; i += 4, out += 16 * row_bytes(bits)) {
		Columns c = load_columns(x, tokens, at + i, columns);
		UNROLL for (i32 t = 0; t < 4; t++) {
			c.of[t] = round_f32x4(wasm_f32x4_mul(c.of[t], inverse.of[t]));
			if (bits < 8) sums.of[t] = wasm_i32x4_add(sums.of[t], c.of[t]);
		}
		put_columns(out, &c, bits);
	}
	if (bits < 8) UNROLL for (i32 t = 0; t < 4; t++) *(i32 *)(end + 16 + 4 * t) = sum_i32x4(sums.of[t]);
}

INLINE void form_tile(u8 *out, const f32 *x, i32 tokens, i32 columns, i32 bits, i32 size, i32 thread, i32 threads) {
	i32 blocks = blocks_of(columns, size);
	Share share = share_of(ceil_divide(tokens, 4) * blocks, thread, threads);
	for (i32 i = share.first; i < share.end; i++) {
		i32 first = i / blocks * 4, block = i % blocks;
		form_block(out + i * tile_bytes(bits, size), x + first * columns, tokens - first, block * size, columns, bits, size);
	}
}

#define FORM(limit, bits, size) \
	KERNEL(form_tile_int##limit##x##size)(u8 *out, const f32 *x, i32 tokens, i32 columns, i32 thread, i32 threads) { \
		form_tile(out, x, tokens, columns, bits, size, thread, threads); \
	}

FORM(8, 4, 32)
FORM(8, 4, 64)
FORM(16, 8, 32)
FORM(16, 8, 64)
