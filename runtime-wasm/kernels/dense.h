// Dense weights in f32 or f16 (any finite half, subnormal ones included): blocks of 8 rows, in a block [columns][8]; rows past the end
// are zero. So products read weights in order, with nothing to decode or transpose.
#pragma once
#include "code.h"
#include "madd.h"

#define BLOCK 8

// 8 rows at one column.
typedef struct {
	v128_t low, high;
} Eight;

// Four finite halfs, sign-extended in their lanes, to f32. Subnormal ones go by way of integers: as f32 bits they would be subnormal
// again, and processors are very slow with those.
INLINE v128_t halfs_to_f32(v128_t h) {
	v128_t magnitude = wasm_v128_and(h, wasm_i32x4_splat(0x7fff)), sign = wasm_v128_and(h, wasm_i32x4_splat((i32)0x80000000));
	v128_t normal = wasm_i32x4_add(wasm_i32x4_shl(magnitude, 13), wasm_i32x4_splat(112 << 23));
	v128_t small = wasm_f32x4_mul(wasm_f32x4_convert_i32x4(magnitude), wasm_f32x4_splat(0x1p-24f));
	return wasm_v128_or(sign, wasm_v128_bitselect(small, normal, wasm_i32x4_lt(magnitude, wasm_i32x4_splat(0x400))));
}

// Elements 8 `at` to 8 `at` + 8.
INLINE Eight load_eight(const void *w, i32 half, i32 at) {
	if (!half) return (Eight){wasm_v128_load((const f32 *)w + 8 * at), wasm_v128_load((const f32 *)w + 8 * at + 4)};
	v128_t h = wasm_v128_load((const i16 *)w + 8 * at);
	return (Eight){halfs_to_f32(wasm_i32x4_extend_low_i16x8(h)), halfs_to_f32(wasm_i32x4_extend_high_i16x8(h))};
}

INLINE const void *dense_block(const u32 *parts, i32 half, i32 block, i32 columns) {
	return (const void *)(parts[0] + (u32)block * (u32)columns * (half ? 16 : 32));
}
