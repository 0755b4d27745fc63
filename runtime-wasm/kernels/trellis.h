// The layout of trellis codes, for all kernels that read them (trellis-coded quantisation with a computed code: QTIP, arXiv 2406.11235).
//
// Rows come in segments, so that many can be searched at once. The codes of a column in one of them are a string of bits, row after row,
// `halves` half bits of them a row, behind 16 bits of lead. Where that is odd, odd rows of a block have one bit more than even ones, and the
// search spreads the gain over both. The last 16 bits up to and with those of a row are its window, of which the lower STATE_BITS count;
// w = s v / 128, where v is the sum of the two bytes of window x multiplier, each with a sign: nearly normal for windows at random, and every
// weight of a row can be read by itself.
//
// Parts, columns padded to a multiple of 64, rows to 16:
//   codes    [row block of 16][octet of columns][8 halves] bytes: 16 rows of a column are halves / 2 words, the first bit of a word its
//            highest, and at last a byte where `halves` is odd. Words of 8 columns lie side by side, as do their bytes;
//            columns of an octet in the order 0 2 1 3 4 6 5 7, in which inputs lie (form_int16.c)
//   scales   [row block][16] bytes, the upper ones of a positive normal f16: s
#pragma once
#include "code.h"

// Scales are of v over this: halfs are normal for small weights too.
#define UNITS 128

#define STATE_BITS 12
#define STATES (1 << STATE_BITS)

typedef struct {
	const u8 *codes, *scales;
	i32 octets, segment;
} Trellis;

INLINE i32 padded_columns(i32 columns) { return 64 * ceil_divide(columns, 64); }

// Blocks of 16 rows in a segment: those of all rows in shares of at most 512 rows, as equal as blocks allow.
INLINE i32 segment_blocks(i32 rows) { return ceil_divide(ceil_divide(rows, ceil_divide(rows, 512)), 16); }

INLINE Trellis trellis_of(const u32 *parts, i32 rows, i32 columns) {
	return (Trellis){(const u8 *)parts[0], (const u8 *)parts[1], padded_columns(columns) / 8, segment_blocks(rows)};
}

// 16 scales, times 2^-112.
INLINE Rows trellis_scales(const u8 *upper) {
	v128_t v = wasm_v128_load(upper), low = wasm_u16x8_extend_low_u8x16(v), high = wasm_u16x8_extend_high_u8x16(v);
	return (Rows){{
		wasm_i32x4_shl(wasm_u32x4_extend_low_u16x8(low), 20),
		wasm_i32x4_shl(wasm_u32x4_extend_high_u16x8(low), 20),
		wasm_i32x4_shl(wasm_u32x4_extend_low_u16x8(high), 20),
		wasm_i32x4_shl(wasm_u32x4_extend_high_u16x8(high), 20),
	}};
}

INLINE f32 trellis_scale(u8 upper) { return scale_of((u16)(upper << 7)); }

// Bits of a block up to and with those of its row `r`.
INLINE i32 end_of(i32 r, i32 halves) { return halves * (r + 1) / 2; }

// Bits of a row.
INLINE i32 bits_of(i32 r, i32 halves) { return end_of(r, halves) - end_of(r - 1, halves); }

// What stands in front of the first row of a segment: of all, that with the least error in the first rows.
INLINE u32 lead_of(i32 halves) {
	switch (halves) {
	case 3: return 637;
	case 4: return 426;
	case 5: return 668;
	case 6: return 87;
	case 7: return 509;
	case 8: return 21;
	default: return 189;
	}
}

// By which windows are multiplied: of many tried, those with the least error on normal numbers. What is above STATE_BITS falls out.
INLINE i32 multiplier_of(i32 halves) {
	i32 m = halves == 6 || halves == 7 ? 2329 : halves == 8 ? 1983 : 3085;
	return m << (16 - STATE_BITS) & 0xffff;
}

INLINE i32 value_of(u32 window, i32 halves) {
	u32 hash = window * (u32)multiplier_of(halves);
	return (i32)(i8)(hash >> 8) + (i32)(i8)hash;
}

// Where column `i` of an octet lies.
INLINE i32 place_of(i32 i) { return (i & 4) | (i & 1) << 1 | (i >> 1 & 1); }

// The words of 16 rows by 8 columns, behind the last of the rows before; a last byte is the upper one of its word.
typedef struct {
	v128_t at[6];
} Words;

// `first`: whether a segment begins here.
INLINE Words load_words(const u8 *codes, i32 octets, i32 halves, i32 first) {
	Words w;
	i32 words = halves / 2, odd = halves & 1;
	const u8 *before = first ? codes : codes - 8 * halves * octets + 16 * (words - 1);
	w.at[0] = wasm_v128_load(before);
	if (odd) w.at[0] = wasm_v128_or(wasm_i16x8_shl(w.at[0], 8), wasm_u16x8_load8x8(before + 16));
	if (first) w.at[0] = wasm_i16x8_splat((i16)lead_of(halves));
	UNROLL for (i32 q = 0; q < words; q++) w.at[q + 1] = wasm_v128_load(codes + 16 * q);
	if (odd) w.at[words + 1] = wasm_i16x8_shl(wasm_u16x8_load8x8(codes + 16 * words), 8);
	return w;
}

// v of row `r` of 16, as 16-bit integers.
INLINE v128_t values_of(const Words *w, i32 halves, i32 r) {
	i32 end = end_of(r, halves), word = (end + 15) / 16, inside = end - 16 * (word - 1);
	v128_t window = w->at[word];
	if (inside < 16 && inside >= STATE_BITS) window = wasm_u16x8_shr(window, 16 - inside);
	if (inside < STATE_BITS) window = wasm_v128_or(wasm_i16x8_shl(w->at[word - 1], inside), wasm_u16x8_shr(w->at[word], 16 - inside));
	return wasm_i16x8_extadd_pairwise_i8x16(wasm_i16x8_mul(window, wasm_i16x8_splat((i16)multiplier_of(halves))));
}

// Each as FORM(name, halves): how many bits a weight, in names of kernels, where h is half a bit.
#define EACH_TRELLIS(FORM) FORM(1h, 3) FORM(2, 4) FORM(2h, 5) FORM(3, 6) FORM(3h, 7) FORM(4, 8) FORM(4h, 9)
