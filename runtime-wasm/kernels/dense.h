// Dense weights, row-major [rows][columns], rows not padded, in f32 or f16 (any finite half, subnormal ones included).
#pragma once
#include "code.h"

// Four finite halfs, sign-extended in their lanes, to f32. Subnormal ones go by way of integers: as f32 bits they would be subnormal
// again, and processors are very slow with those.
INLINE v128_t halfs_to_f32(v128_t h) {
	v128_t magnitude = wasm_v128_and(h, wasm_i32x4_splat(0x7fff)), sign = wasm_v128_and(h, wasm_i32x4_splat((i32)0x80000000));
	v128_t normal = wasm_i32x4_add(wasm_i32x4_shl(magnitude, 13), wasm_i32x4_splat(112 << 23));
	v128_t small = wasm_f32x4_mul(wasm_f32x4_convert_i32x4(magnitude), wasm_f32x4_splat(0x1p-24f));
	return wasm_v128_or(sign, wasm_v128_bitselect(small, normal, wasm_i32x4_lt(magnitude, wasm_i32x4_splat(0x400))));
}

// Elements `at` to `at + 4`; zero from `end` on.
INLINE v128_t load_dense(const void *w, i32 half, i32 at, i32 end) {
	if (!half) return load_inputs((const f32 *)w, at, end);
	const i16 *h = (const i16 *)w;
	if (at + 4 <= end) return halfs_to_f32(wasm_i32x4_load16x4(h + at));
	return halfs_to_f32(wasm_i32x4_make(at < end ? h[at] : 0, at + 1 < end ? h[at + 1] : 0, at + 2 < end ? h[at + 2] : 0, 0));
}

INLINE const void *dense_row(const u32 *parts, i32 half, i32 row, i32 columns) { return (const void *)(parts[0] + (u32)row * (u32)columns * (half ? 2 : 4)); }
