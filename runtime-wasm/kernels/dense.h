// Dense weights, row-major [rows][columns], rows not padded, in f32 or f16 (any finite half, subnormal ones included).
#pragma once
#include "code.h"

// Four halfs, each in the low 16 bits of a lane, to f32. The shift keeps sign and magnitude apart; the product is exact.
INLINE v128_t halfs_to_f32(v128_t h) {
	v128_t bits = wasm_v128_and(wasm_i32x4_shl(h, 13), wasm_i32x4_splat((i32)0x8fffe000));
	return wasm_f32x4_mul(bits, wasm_f32x4_splat(TWO_112));
}

// Elements `at` to `at + 4`; zero from `end` on.
INLINE v128_t load_dense(const void *w, i32 half, i32 at, i32 end) {
	if (!half) return load_inputs((const f32 *)w, at, end);
	const i16 *h = (const i16 *)w;
	if (at + 4 <= end) return halfs_to_f32(wasm_i32x4_load16x4(h + at));
	return halfs_to_f32(wasm_i32x4_make(at < end ? h[at] : 0, at + 1 < end ? h[at + 1] : 0, at + 2 < end ? h[at + 2] : 0, 0));
}

INLINE const void *dense_row(const u32 *parts, i32 half, i32 row, i32 columns) { return (const void *)(parts[0] + (u32)row * (u32)columns * (half ? 2 : 4)); }
