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
