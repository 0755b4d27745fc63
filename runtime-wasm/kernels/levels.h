// The layout of codes with 16 levels, for all kernels that read them.
//
// w = s level[u], levels f32 in [-1, 1], ascending. In memory order: [row block of 16][pair of columns][16 bytes]; byte 2 r + i holds
// rows r (low nibble) and 8 + r (high nibble) of column i of the pair. Then scales [row block][group][16] f16, positive normal, and the
// levels themselves, so that one set of kernels serves every table.
#pragma once
#include "lookup.h"

typedef struct {
	const u8 *codes;
	const u16 *scales;
	const f32 *levels;
} Levels;

INLINE Levels levels_of(const u32 *parts) { return (Levels){(const u8 *)parts[0], (const u16 *)parts[1], (const f32 *)parts[2]}; }

// The codes of eight rows of a pair of columns, in the order of their bytes.
INLINE v128_t half_codes(v128_t bytes, i32 half) { return wasm_v128_and(half ? wasm_u16x8_shr(bytes, 4) : bytes, wasm_i8x16_splat(15)); }

// Even and odd bytes of two vectors.
INLINE v128_t even_bytes(v128_t a, v128_t b) { return wasm_i8x16_shuffle(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30); }
INLINE v128_t odd_bytes(v128_t a, v128_t b) { return wasm_i8x16_shuffle(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31); }

// Bytes of two vectors in turn.
INLINE v128_t mix_low(v128_t a, v128_t b) { return wasm_i8x16_shuffle(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23); }
INLINE v128_t mix_high(v128_t a, v128_t b) { return wasm_i8x16_shuffle(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31); }
