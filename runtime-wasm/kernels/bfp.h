// Block floating point: 16-bit integers with one unit for the 64 that share a block, relative to the largest of them. Products of integers
// run at twice the speed of f32, and the sums of a block are exact.
//
// Weights, up to 13 bits and a sign: blocks of 8 rows, in a block for every 64 columns [32][8 rows][2 columns]; then for every block of rows and
// every 64 columns the 8 units, f32. Columns past the end, and rows, are zeros.
// Vectors, as many bits: four side by side, for every 64 columns [32][4 vectors][2 columns], then four units.
#pragma once
#include "rounding.h"
#include "tile_integer.h"

#define BFP_ROWS 8
#define BFP_BLOCK 64
#define BFP_CODES (2 * BFP_BLOCK * BFP_ROWS)
#define BFP_VECTORS (2 * BFP_BLOCK * 4 + 16)

// The largest magnitude: 64 products of two integers fit a 32-bit sum.
#define BFP_LIMIT 5792

typedef struct {
	const u8 *codes;
	const f32 *units;
	i32 blocks;
} Bfp;

// Four columns of row `r`; zeros past the last of `rows` and `columns`. `whole` where nothing is past them.
INLINE v128_t load_row(const f32 *x, i32 r, i32 rows, i32 at, i32 columns, i32 whole) {
	if (whole) return wasm_v128_load(x + r * columns + at);
	return r < rows ? load_inputs(x + r * columns, at, columns) : wasm_f32x4_splat(0);
}

INLINE void round_rows(u8 *to, i32 step, f32 *units, const f32 *x, i32 rows, i32 at, i32 columns, i32 whole) {
	v128_t inverse[4];
	UNROLL for (i32 r = 0; r < 4; r++) {
		v128_t extent = no_extent();
		for (i32 c = 0; c < BFP_BLOCK; c += 4) extent = extend_to(extent, load_row(x, r, rows, at + c, columns, whole));
		f32 largest = largest_of(extent);
		inverse[r] = inverse_of(largest, BFP_LIMIT);
		units[r] = largest / BFP_LIMIT;
	}
	for (i32 c = 0; c < BFP_BLOCK; c += 8, to += 4 * step) {
		v128_t steps[4];
		UNROLL for (i32 r = 0; r < 4; r++) {
			v128_t a = load_row(x, r, rows, at + c, columns, whole), b = load_row(x, r, rows, at + c + 4, columns, whole);
			steps[r] = wasm_i16x8_narrow_i32x4(round_f32x4(wasm_f32x4_mul(a, inverse[r])), round_f32x4(wasm_f32x4_mul(b, inverse[r])));
		}
		put_steps(to, step, steps[0], steps[1], steps[2], steps[3]);
	}
}

// One block of four rows or vectors, of which `rows` exist: pairs of columns `step` bytes apart.
INLINE void round_block(u8 *to, i32 step, f32 *units, const f32 *x, i32 rows, i32 at, i32 columns) {
	if (rows >= 4 && columns - at >= BFP_BLOCK) round_rows(to, step, units, x, 4, at, columns, 1);
	else round_rows(to, step, units, x, rows, at, columns, 0);
}

// Products of four vectors with eight rows over one block. Steps of two columns, one at a time: engines load all of a step before its first
// product, and run out of registers with more. @param step Bytes from one step of the vectors to the next.
INLINE Block dots_of(const u8 *codes, const u8 *x, i32 step) {
	Block dots;
	UNROLL EACH dots.of[t][q] = wasm_i32x4_splat(0);
	ONE_BY_ONE for (i32 p = 0; p < BFP_BLOCK / 2; p++, codes += 4 * BFP_ROWS, x += step) {
		v128_t a = wasm_v128_load(codes), b = wasm_v128_load(codes + 16);
		UNROLL for (i32 t = 0; t < 4; t++) {
			v128_t inputs = wasm_v128_load32_splat(x + 4 * t);
			dots.of[t][0] = add_dot(dots.of[t][0], inputs, a);
			dots.of[t][1] = add_dot(dots.of[t][1], inputs, b);
		}
	}
	return dots;
}

// total += dots, in units of vectors and rows.
INLINE void add_dots(Block *total, Block dots, const f32 *of_vectors, const f32 *of_rows) {
	UNROLL EACH {
		v128_t unit = wasm_f32x4_mul(wasm_v128_load32_splat(of_vectors + t), wasm_v128_load(of_rows + 4 * q));
		total->of[t][q] = wasm_f32x4_add(total->of[t][q], wasm_f32x4_mul(unit, wasm_f32x4_convert_i32x4(dots.of[t][q])));
	}
}

// The block of rows `block`.
INLINE Bfp bfp_of(const u32 *parts, i32 block, i32 columns) {
	i32 blocks = ceil_divide(columns, BFP_BLOCK);
	return (Bfp){(const u8 *)parts[0] + block * blocks * BFP_CODES, (const f32 *)parts[1] + block * blocks * BFP_ROWS, blocks};
}
