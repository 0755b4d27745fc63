// Rounding of inputs to integers.
#pragma once
#include "code.h"
#include "math.h"

// The nearest integers, halves to even, of |v| < 2^22.
INLINE v128_t round_f32x4(v128_t v) {
	v128_t whole = wasm_f32x4_splat(WHOLE);
	return wasm_i32x4_sub(wasm_f32x4_add(v, whole), whole);
}

// The bits of the largest magnitudes so far, four of them: integers in the order of the magnitudes, NaN above all.
INLINE v128_t no_extent(void) { return wasm_i32x4_splat(0); }

INLINE v128_t extend_to(v128_t extent, v128_t v) { return wasm_i32x4_max(extent, wasm_v128_and(v, wasm_i32x4_splat(0x7fffffff))); }

// The largest magnitude, or NaN where an input was infinite or NaN.
INLINE f32 largest_of(v128_t extent) {
	v128_t pairs = wasm_i32x4_max(extent, wasm_i32x4_shuffle(extent, extent, 2, 3, 0, 1)), top = wasm_i32x4_max(pairs, wasm_i32x4_shuffle(pairs, pairs, 1, 0, 3, 2));
	f32 largest = wasm_f32x4_extract_lane(top, 0);
	return largest + (largest - largest);
}

// limit / largest, by which inputs become integers in [-limit, limit]; 0 where they are all but nothing, or one is NaN.
INLINE v128_t inverse_of(f32 largest, f32 limit) { return wasm_f32x4_splat(largest > 0x1p-110f ? limit / largest : 0); }

INLINE i32 sum_i32x4(v128_t v) {
	return wasm_i32x4_extract_lane(v, 0) + wasm_i32x4_extract_lane(v, 1) + wasm_i32x4_extract_lane(v, 2) + wasm_i32x4_extract_lane(v, 3);
}
