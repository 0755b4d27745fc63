// Rounding of inputs to integers.
#pragma once
#include "code.h"

// The nearest integers, halves to even, of |v| < 2^22: adding 1.5 x 2^23 leaves them in the low bits of the sum.
INLINE v128_t round_f32x4(v128_t v) {
	v128_t magic = wasm_f32x4_splat(0x1.8p23f);
	return wasm_i32x4_sub(wasm_f32x4_add(v, magic), magic);
}

// limit / largest, by which inputs become integers in [-limit, limit]; 0 where they are all but nothing.
INLINE v128_t inverse_of(f32 largest, f32 limit) { return wasm_f32x4_splat(largest > 0x1p-110f ? limit / largest : 0); }

INLINE i32 sum_i32x4(v128_t v) {
	return wasm_i32x4_extract_lane(v, 0) + wasm_i32x4_extract_lane(v, 1) + wasm_i32x4_extract_lane(v, 2) + wasm_i32x4_extract_lane(v, 3);
}
