// Input forms of the tile kernels: vectors side by side by fours, rounded to integers. Vectors past the last are zeros.
//   int8    one unit A = largest magnitude / 127 for each vector and block of 64 or 32 columns. A block of four vectors is the integers,
//           four A x 2^56 as f32, and the four sums of the integers as i32. Integers are bytes where `narrow` (see dots.h): four columns
//           of each vector in turn; else 16-bit integers: columns 0 and 2 of each vector in turn, then 1 and 3
//   int16   one unit A = largest magnitude / 32767 for each vector, which is as fine as f32 sums are. Four vectors are four A x 2^56,
//           then the integers, 16 bits each in the order above, padded with zeros to a multiple of 128 columns
#include "rounding.h"
#include "tile_integer.h"

// Any number of bits below 8: all have one form.
#define NARROWEST 4

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

// The magnitudes of the columns [at, end) of four vectors.
INLINE Columns extents_of(const f32 *x, i32 tokens, i32 at, i32 end, i32 columns) {
	Columns e;
	UNROLL for (i32 t = 0; t < 4; t++) e.of[t] = no_extent();
	for (; at < end; at += 4) {
		Columns c = load_columns(x, tokens, at, columns);
		UNROLL for (i32 t = 0; t < 4; t++) e.of[t] = extend_to(e.of[t], c.of[t]);
	}
	return e;
}

// Writes four units, and returns what inputs are multiplied with.
INLINE Columns put_units(u8 *out, const Columns *extents, f32 limit) {
	Columns inverse;
	UNROLL for (i32 t = 0; t < 4; t++) {
		f32 largest = largest_of(extents->of[t]);
		inverse.of[t] = inverse_of(largest, limit);
		*(f32 *)(out + 4 * t) = largest / limit * TWO_56;
	}
	return inverse;
}

INLINE Columns round_columns(const f32 *x, i32 tokens, i32 at, i32 columns, const Columns *inverse) {
	Columns c = load_columns(x, tokens, at, columns);
	UNROLL for (i32 t = 0; t < 4; t++) c.of[t] = round_f32x4(wasm_f32x4_mul(c.of[t], inverse->of[t]));
	return c;
}

INLINE void form_block(u8 *out, const f32 *x, i32 tokens, i32 at, i32 columns, i32 size) {
	Columns sums;
	u8 *units = out + 4 * size * row_bytes(NARROWEST);
	Columns extents = extents_of(x, tokens, at, at + size, columns);
	Columns inverse = put_units(units, &extents, 127);
	UNROLL for (i32 t = 0; t < 4; t++) sums.of[t] = wasm_i32x4_splat(0);
	for (i32 i = 0; i < size; i += 4, out += 16 * row_bytes(NARROWEST)) {
		Columns c = round_columns(x, tokens, at + i, columns, &inverse);
		UNROLL for (i32 t = 0; t < 4; t++) sums.of[t] = wasm_i32x4_add(sums.of[t], c.of[t]);
		put_columns(out, &c, NARROWEST);
	}
	UNROLL for (i32 t = 0; t < 4; t++) *(i32 *)(units + 16 + 4 * t) = sum_i32x4(sums.of[t]);
}

INLINE void form_blocks(u8 *out, const f32 *x, i32 tokens, i32 columns, i32 size, i32 thread, i32 threads) {
	i32 blocks = blocks_of(columns, size);
	Share share = share_of(ceil_divide(tokens, 4) * blocks, thread, threads);
	for (i32 i = share.first; i < share.end; i++) {
		i32 first = i / blocks * 4;
		form_block(out + i * tile_bytes(NARROWEST, size), x + first * columns, tokens - first, i % blocks * size, columns, size);
	}
}

KERNEL(form_tile_int8x32)(u8 *out, const f32 *x, i32 tokens, i32 columns, i32 thread, i32 threads) { form_blocks(out, x, tokens, columns, 32, thread, threads); }

KERNEL(form_tile_int8x64)(u8 *out, const f32 *x, i32 tokens, i32 columns, i32 thread, i32 threads) { form_blocks(out, x, tokens, columns, 64, thread, threads); }

// Four vectors, `tokens` of which exist.
INLINE void form_wide(u8 *out, u8 *end, const f32 *x, i32 tokens, i32 columns) {
	Columns extents = extents_of(x, tokens, 0, columns, columns), inverse = put_units(out, &extents, 32767);
	out += 16;
	for (i32 at = 0; at < columns; at += 4, out += 32) {
		Columns c = round_columns(x, tokens, at, columns, &inverse);
		put_columns(out, &c, 8);
	}
	for (; out < end; out += 16) wasm_v128_store(out, wasm_i32x4_splat(0));
}

KERNEL(form_tile_int16)(u8 *out, const f32 *x, i32 tokens, i32 columns, i32 thread, i32 threads) {
	Share share = share_of(ceil_divide(tokens, 4), thread, threads);
	i32 bytes = wide_tile_bytes(columns), whole = (columns & 3) == 0;
	for (i32 i = share.first; i < share.end; i++) {
		const f32 *from = x + 4 * i * columns;
		u8 *to = out + i * bytes;
		// Spares the loops their questions.
		if (whole && tokens - 4 * i >= 4)
			form_wide(to, to + bytes, from, 4, columns & -4);
		else
			form_wide(to, to + bytes, from, tokens - 4 * i, columns);
	}
}
