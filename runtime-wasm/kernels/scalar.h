// The layout of 4 to 8 bit integers, for all kernels that read them.
//
// Code u in [0, 2^bits), w = s (u - z / fraction), fraction 8 for 4 and 5 bits, else 1. In memory order: [row block of 16][octet of columns][eight vectors of 16 codes]; byte 4 j + i of
// vector v is row 4 (v mod 4) + j, column 4 (v div 4) + i of the octet. Slices of a code, highest bits first, are parts of their own:
//   8 bits  codes
//   7 bits  nibbles (bits 6 to 3), pairs (bits 2 and 1), bits (bit 0)
//   6 bits  nibbles (bits 5 to 2), pairs (bits 1 and 0)
//   5 bits  nibbles (bits 4 to 1), bits (bit 0)
//   4 bits  nibbles
// A vector of nibbles holds two vectors of codes (v even in the low nibble), of pairs four, of bits eight (v in order from bit 0).
// Then scales [row block][group][16] f16, positive normal, and zeros [row block][group][16] u8.
#pragma once
#include "code.h"

typedef struct {
	const u8 *high, *pairs, *bits;
	const u16 *scales;
	const u8 *zeros;
} Slices;

INLINE i32 has_pairs(i32 bits) { return bits == 6 || bits == 7; }
INLINE i32 has_bits(i32 bits) { return bits == 5 || bits == 7; }
INLINE i32 fraction_of(i32 bits) { return bits < 6 ? 8 : 1; }

// Four columns of 16 rows: half an octet.
typedef struct {
	v128_t q[4];
} Codes;

INLINE Slices slices_of(const u32 *parts, i32 bits) {
	i32 next = 1;
	Slices s = {.high = (const u8 *)parts[0]};
	s.pairs = has_pairs(bits) ? (const u8 *)parts[next++] : s.high;
	s.bits = has_bits(bits) ? (const u8 *)parts[next++] : s.high;
	s.scales = (const u16 *)parts[next];
	s.zeros = (const u8 *)parts[next + 1];
	return s;
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
	v128_t pairs = wasm_i8x16_splat(0), single = wasm_i8x16_splat(0);
	if (has_pairs(bits)) pairs = wasm_v128_load(s->pairs + 16 * at);
	if (has_bits(bits)) single = wasm_u16x8_shr(wasm_v128_load(s->bits + 16 * (at >> 1)), 4 * ((u32)at & 1));
	UNROLL for (i32 q = 0; q < 4; q++) {
		v128_t code = slice(wasm_v128_load(s->high + 32 * at + 16 * (q / 2)), 4 * (q % 2), 4, bits - 4);
		if (has_pairs(bits)) code = wasm_v128_or(code, slice(pairs, 2 * q, 2, bits - 6));
		codes.q[q] = has_bits(bits) ? wasm_v128_or(code, slice(single, q, 1, 0)) : code;
	}
	return codes;
}
