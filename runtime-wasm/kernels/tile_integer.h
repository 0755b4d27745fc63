// The integer product of the tile kernels: y[t, r] for 16 rows whose codes lie decoded in scratch, and any number of tokens in the form
// of form_tile.c, four side by side. With blocks of 64 or 32 columns (the size that divides the group; codes of 8 bits: up to 256), and
// `fraction` from the codec:
//   y = sum over groups of s / fraction (A (fraction D - z S)),  D = sum u a,  S = sum a
// Every sum runs over the columns in order, so the number of tokens does not change a result, and both ways give equal ones:
//   narrow   relaxed SIMD and codes below 8 bits: codes are bytes, four columns of a row side by side
//   wide     fraction u - z as 16-bit integers, columns 0 and 2 of a row side by side, then 1 and 3
//
// Scratch: codes of rows 0 to 7, a step after the other (four columns narrow, two wide; two vectors of four rows), then of rows 8 to 15;
// then for each group 16 scales, times 2^-112, and (narrow) minus 16 zeros, each in the low half of an i32.
#pragma once
#include "dots.h"

typedef struct {
	u8 *codes;
	f32 *scales;
	i32 half;
} Tile;

typedef struct {
	v128_t q[4];
} Quads;

typedef struct {
	i32 tokens, rows, groups, group, size, stride;
} Product;

INLINE v128_t times_fraction(i32 bits, v128_t v) { return fraction_of(bits) == 1 ? v : wasm_i16x8_shl(v, 3); }

INLINE i32 row_bytes(i32 bits) { return is_narrow(bits) ? 1 : 2; }

// Columns whose products of codes of 8 bits and int16 inputs a 32-bit sum holds: 2 x 255 x 32767 x 128 < 2^31; trellis codes, of up to
// 256, just fit.
#define WIDE_BLOCK 256

// Of four tokens and codes below 8 bits: the integers, four units and four sums.
INLINE i32 tile_bytes(i32 bits, i32 size) { return 4 * size * row_bytes(bits) + 32; }

// Of four tokens and codes of 8 bits: four units, and the integers of all columns, padded so that groups of any size read them.
INLINE i32 wide_tile_bytes(i32 columns) { return 16 + 8 * 128 * ceil_divide(columns, 128); }

INLINE Tile tile_of(u8 *scratch, i32 bits, i32 columns) {
	i32 half = 8 * columns * row_bytes(bits);
	return (Tile){scratch, (f32 *)(scratch + 2 * half), half};
}

INLINE Product product_of(i32 tokens, i32 rows, i32 columns, i32 bits, i32 group) {
	i32 size = bits == 8 ? WIDE_BLOCK : group < 64 ? group : 64, stride = bits == 8 ? wide_tile_bytes(columns) : blocks_of(columns, size) * tile_bytes(bits, size);
	return (Product){tokens, rows, ceil_divide(columns, group), group, size, stride};
}

// Scales and zeros of 16 rows and group `g`. Returns the zeros as 16-bit integers, twice each, four rows in a vector.
INLINE Quads put_group(const Tile *tile, i32 bits, i32 g, const u16 *scales, const u8 *zeros) {
	Rows s = load_scales(scales);
	v128_t none = wasm_i8x16_splat(0), z = wasm_v128_load(zeros), low = wasm_i8x16_shuffle(z, z, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
	v128_t high = wasm_i8x16_shuffle(z, z, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13, 14, 14, 15, 15);
	Quads twice = {{wasm_u16x8_extend_low_u8x16(low), wasm_u16x8_extend_high_u8x16(low), wasm_u16x8_extend_low_u8x16(high), wasm_u16x8_extend_high_u8x16(high)}};
	UNROLL for (i32 q = 0; q < 4; q++) {
		f32 *out = tile->scales + 32 * g + 4 * q;
		wasm_v128_store(out, s.q[q]);
		if (is_narrow(bits)) wasm_v128_store(out + 16, wasm_v128_and(wasm_i16x8_sub(none, twice.q[q]), wasm_i32x4_splat(0xffff)));
	}
	return twice;
}

// The codes of quad `at` of columns.
INLINE void put_codes(const Tile *tile, i32 bits, i32 at, Codes codes, const Quads *zeros) {
	UNROLL for (i32 q = 0; q < 4; q++) {
		u8 *out = tile->codes + q / 2 * tile->half + 16 * (q % 2);
		if (is_narrow(bits)) {
			wasm_v128_store(out + 32 * at, codes.q[q]);
		} else {
			Quad wide = wide_codes(codes.q[q]);
			wasm_v128_store(out + 64 * at, wasm_i16x8_sub(times_fraction(bits, wide.even), zeros->q[q]));
			wasm_v128_store(out + 64 * at + 32, wasm_i16x8_sub(times_fraction(bits, wide.odd), zeros->q[q]));
		}
	}
}

// Eight columns of four rows, or vectors: pairs of columns become steps of all four, `step` bytes apart.
INLINE void put_steps(u8 *to, i32 step, v128_t a, v128_t b, v128_t c, v128_t d) {
	v128_t ab = wasm_i32x4_shuffle(a, b, 0, 4, 1, 5), cd = wasm_i32x4_shuffle(c, d, 0, 4, 1, 5);
	v128_t ab2 = wasm_i32x4_shuffle(a, b, 2, 6, 3, 7), cd2 = wasm_i32x4_shuffle(c, d, 2, 6, 3, 7);
	wasm_v128_store(to, wasm_i64x2_shuffle(ab, cd, 0, 2));
	wasm_v128_store(to + step, wasm_i64x2_shuffle(ab, cd, 1, 3));
	wasm_v128_store(to + 2 * step, wasm_i64x2_shuffle(ab2, cd2, 0, 2));
	wasm_v128_store(to + 3 * step, wasm_i64x2_shuffle(ab2, cd2, 1, 3));
}

// Sums of four tokens by 8 rows: with two vectors of codes and one of inputs they fit the 16 registers of SSE and AVX. KEEP and
// IN_ORDER hold the compiler to that: left free, it loads all first and then runs out of registers.
typedef struct {
	v128_t of[4][2];
} Block;

#define EACH for (i32 t = 0; t < 4; t++) UNROLL for (i32 q = 0; q < 2; q++)

INLINE Block dots_narrow(const u8 *codes, const f32 *zeros, const u8 *x, i32 bits, i32 size) {
	Block dots;
	v128_t fraction = wasm_i16x8_splat((i16)fraction_of(bits));
	const u8 *sums = x + 4 * size + 16;
	UNROLL EACH dots.of[t][q] = wasm_i32x4_dot_i16x8(wasm_v128_load(zeros + 4 * q), wasm_v128_load32_splat(sums + 4 * t));
	ONE_BY_ONE for (i32 h = 0; h < size / 4; h += 8, codes += 32 * 8, x += 16 * 8) {
		Block pairs;
		UNROLL for (i32 k = 0; k < 8; k++) {
			i32 first = k % steps_of(bits) == 0, last = (k + 1) % steps_of(bits) == 0;
			v128_t a = wasm_v128_load(codes + 32 * k), b = wasm_v128_load(codes + 32 * k + 16);
			UNROLL for (i32 t = 0; t < 4; t++) {
				v128_t inputs = wasm_v128_load32_splat(x + 16 * k + 4 * t);
				UNROLL for (i32 q = 0; q < 2; q++) {
					v128_t pair = pair_products(inputs, q == 0 ? a : b);
					if (!first) pair = wasm_i16x8_add(pairs.of[t][q], pair);
					// The last step adds up at once: eight pairs beside eight sums would not fit the registers.
					if (last) dots.of[t][q] = add_dot(dots.of[t][q], pair, fraction);
					pairs.of[t][q] = pair;
					KEEP(dots.of[t][q]);
					if (!last) KEEP(pairs.of[t][q]);
				}
			}
			IN_ORDER;
		}
	}
	return dots;
}

INLINE Block dots_wide(const u8 *codes, const u8 *x, i32 size) {
	Block dots;
	UNROLL EACH dots.of[t][q] = wasm_i32x4_splat(0);
	ONE_BY_ONE for (i32 p = 0; p < size / 2; p += 4, codes += 128, x += 64) {
		UNROLL for (i32 k = 0; k < 4; k++) {
			v128_t a = wasm_v128_load(codes + 32 * k), b = wasm_v128_load(codes + 32 * k + 16);
			UNROLL for (i32 t = 0; t < 4; t++) {
				v128_t inputs = wasm_v128_load32_splat(x + 16 * k + 4 * t);
				dots.of[t][0] = add_dot(dots.of[t][0], inputs, a);
				dots.of[t][1] = add_dot(dots.of[t][1], inputs, b);
				KEEP(dots.of[t][0]);
				KEEP(dots.of[t][1]);
			}
			IN_ORDER;
		}
	}
	return dots;
}

// Codes below 8 bits: a unit for each block.
INLINE void add_block(Block *total, const u8 *codes, const f32 *scales, const u8 *x, i32 bits, i32 size) {
	Block dots = is_narrow(bits) ? dots_narrow(codes, scales + 16, x, bits, size) : dots_wide(codes, x, size);
	const u8 *units = x + 4 * size * row_bytes(bits);
	UNROLL EACH {
		v128_t scale = wasm_f32x4_mul(wasm_v128_load(scales + 4 * q), wasm_v128_load32_splat(units + 4 * t));
		total->of[t][q] = wasm_f32x4_add(total->of[t][q], wasm_f32x4_mul(scale, wasm_f32x4_convert_i32x4(dots.of[t][q])));
	}
}

// Codes of 8 bits, whose unit is multiplied in at the end.
INLINE void add_wide_block(Block *total, const u8 *codes, const f32 *scales, const u8 *x, i32 size) {
	Block dots = dots_wide(codes, x, size);
	UNROLL EACH {
		v128_t product = wasm_f32x4_mul(wasm_v128_load(scales + 4 * q), wasm_f32x4_convert_i32x4(dots.of[t][q]));
		total->of[t][q] = wasm_f32x4_add(total->of[t][q], product);
	}
}

// 8 rows, `count` of which exist; y and bias (or 0) point to the first. Tokens past the last are zeros, and not stored.
INLINE void multiply_half(f32 *y, const u8 *x, const u8 *codes, const f32 *scales, const f32 *bias, const Product *p, i32 bits, i32 count) {
	v128_t factor = wasm_f32x4_splat(TWO_56 / fraction_of(bits));
	i32 step = 8 * p->size * row_bytes(bits);
	for (i32 first = 0; first < p->tokens; first += 4, x += p->stride) {
		Block total;
		UNROLL EACH total.of[t][q] = wasm_f32x4_splat(0);
		const u8 *code = codes, *input = bits == 8 ? x + 16 : x;
		for (i32 g = 0; g < p->groups; g++) {
			if (bits == 8) {
				for (i32 left = p->group; left > 0; left -= p->size) {
					i32 size = left < p->size ? left : p->size;
					add_wide_block(&total, code, scales + 32 * g, input, size);
					code += 16 * size, input += 8 * size;
				}
			} else {
				for (i32 b = 0; b < p->group; b += p->size, code += step, input += tile_bytes(bits, p->size)) add_block(&total, code, scales + 32 * g, input, bits, p->size);
			}
		}
		UNROLL EACH {
			if (bits == 8) total.of[t][q] = wasm_f32x4_mul(total.of[t][q], wasm_v128_load32_splat(x + 4 * t));
			if (first + t < p->tokens) store_biased(y + (first + t) * p->rows, wasm_f32x4_mul(total.of[t][q], factor), bias, 4 * q, count);
		}
	}
}

// The 16 rows of `block`; y and bias (or 0) belong to all rows.
INLINE void multiply_integer(f32 *y, const u8 *x, const Tile *tile, const f32 *bias, const Product *p, i32 bits, i32 block) {
	ONE_BY_ONE for (i32 half = 0; half < 2 && 16 * block + 8 * half < p->rows; half++) {
		i32 row = 16 * block + 8 * half;
		multiply_half(y + row, x, tile->codes + half * tile->half, tile->scales + 8 * half, bias ? bias + row : 0, p, bits, p->rows - row);
	}
}
