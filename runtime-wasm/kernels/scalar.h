// The layout of 6 to 8 bit integers, for all kernels that read them.
//
// Code u in [0, 2^bits), w = s (u - z). In memory order: [row block of 16][octet of columns][eight vectors of 16 codes]; byte 4 j + i of
// vector v is row 4 (v mod 4) + j, column 4 (v div 4) + i of the octet. Slices of a code, highest bits first, are parts of their own:
//   8 bits  codes
//   7 bits  nibbles (bits 6 to 3), pairs (bits 2 and 1), bits (bit 0)
//   6 bits  nibbles (bits 5 to 2), pairs (bits 1 and 0)
// A vector of nibbles holds two vectors of codes (v even in the low nibble), of pairs four, of bits eight (v in order from bit 0).
// Then scales [row block][group][16] f16, positive normal, and zeros [row block][group][16] u8.
#pragma once
#include "code.h"

typedef struct {
	const u8 *high, *pairs, *bits;
	const u16 *scales;
	const u8 *zeros;
} Slices;

// Four columns of 16 rows: half an octet.
typedef struct {
	v128_t q[4];
} Codes;

INLINE Slices slices_of(const u32 *parts, i32 bits) {
	i32 next = bits == 8 ? 1 : bits == 7 ? 3 : 2;
	return (Slices){(const u8 *)parts[0], (const u8 *)parts[bits == 8 ? 0 : 1], (const u8 *)parts[bits == 7 ? 2 : 0], (const u16 *)parts[next], (const u8 *)parts[next + 1]};
}

// Bits `from` to `from + width` of every byte, moved to `to`.
INLINE v128_t slice(v128_t v, i32 from, i32 width, i32 to) {
	v128_t moved = from > to ? wasm_u16x8_shr(v, from - to) : wasm_i16x8_shl(v, to - from);
	return wasm_v128_and(moved, wasm_i8x16_splat((i8)(((1 << width) - 1) << to)));
}

// The codes of half octet `at`, counted from the start of the parts.
INLINE Codes load_codes(const Slices *s, i32 bits, i32 at) {
	Codes codes;
	if (bits == 8) {
		UNROLL for (i32 q = 0; q < 4; q++) codes.q[q] = wasm_v128_load(s->high + 64 * at + 16 * q);
		return codes;
	}
	v128_t pairs = wasm_v128_load(s->pairs + 16 * at), single = wasm_i8x16_splat(0);
	if (bits == 7) single = wasm_u16x8_shr(wasm_v128_load(s->bits + 16 * (at >> 1)), 4 * ((u32)at & 1));
	UNROLL for (i32 q = 0; q < 4; q++) {
		v128_t code = slice(wasm_v128_load(s->high + 32 * at + 16 * (q / 2)), 4 * (q % 2), 4, bits - 4);
		code = wasm_v128_or(code, slice(pairs, 2 * q, 2, bits - 6));
		codes.q[q] = bits == 7 ? wasm_v128_or(code, slice(single, q, 1, 0)) : code;
	}
	return codes;
}
