// The layout of BitStack's blocks (arXiv 2410.23918), for all kernels that read them: w = sum over blocks of sign (U' V), with U [rank][rows]
// and V [rank][columns]. A block is three parts, and any number of first blocks is a code:
//   signs    [row block of 16][octet of columns][16 bytes]; bit i of byte r: row r, column 8 j + i, set where the sign is +
//   outputs  U as f16 [rank][rows]
//   inputs   V as f16 [rank][columns]
// Rows are padded to 16, columns to 64, with factors of 0. A factor is a normal half, or 0.
#pragma once
#include "storage.h"

typedef struct {
	const u8 *signs;
	const u16 *outputs, *inputs;
} Stack;

INLINE Stack stack_of(const u32 *parts, i32 block) {
	return (Stack){(const u8 *)parts[3 * block], (const u16 *)parts[3 * block + 1], (const u16 *)parts[3 * block + 2]};
}

INLINE i32 padded_columns(i32 columns) { return (columns + 63) & -64; }
INLINE i32 padded_rows(i32 rows) { return (rows + 15) & -16; }

INLINE v128_t load_factors(const u16 *h) { return f32x4_from_f16(wasm_i32x4_load16x4(h)); }

INLINE f32 factor_at(const u16 *h) { return f32_from_f16(*h); }
