// The layout of vector codes, for all kernels that read them (VPTQ, arXiv 2409.17066, with vectors along outputs).
//
// Rows 4 q to 4 q + 3 of a column are one of 256 entries: w = s e / 128, s a scale of the row, e four bytes. In memory order: codes
// [row block of 16][column][4], a byte for each four rows; scales [row block][16] f16, normal or 0; entries [256][4] i8.
#pragma once
#include "code.h"

#define ENTRIES 256
#define VECTOR 4

typedef struct {
	const u8 *codes;
	const u16 *scales;
	const i8 *entries;
} Codebook;

INLINE Codebook codebook_of(const u32 *parts) { return (Codebook){(const u8 *)parts[0], (const u16 *)parts[1], (const i8 *)parts[2]}; }

// Entries as f32 [256][4]: products then load one with an index.
INLINE void widen_entries(f32 *out, const i8 *entries) {
	for (i32 k = 0; k < VECTOR * ENTRIES; k += 8) {
		v128_t wide = wasm_i16x8_load8x8(entries + k);
		wasm_v128_store(out + k, wasm_f32x4_convert_i32x4(wasm_i32x4_extend_low_i16x8(wide)));
		wasm_v128_store(out + k + 4, wasm_f32x4_convert_i32x4(wasm_i32x4_extend_high_i16x8(wide)));
	}
}

// Codes are read one by one: a load costs less than to shift a byte out of a word.
INLINE v128_t entry_at(const f32 *entries, u8 code) { return wasm_v128_load(entries + VECTOR * code); }

// 16 scales of rows, over 128.
INLINE Rows row_scales(const u16 *scales) {
	Rows r = load_scales(scales);
	UNROLL for (i32 q = 0; q < 4; q++) r.q[q] = wasm_f32x4_mul(r.q[q], wasm_f32x4_splat(TWO_112 / 128));
	return r;
}
