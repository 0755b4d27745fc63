// Rounding of inputs to integers.
#pragma once
#include "code.h"
#include "math.h"

// The nearest integers, halves to even, of |v| < 2^22.
INLINE v128_t round_f32x4(v128_t v) {
	v128_t whole = wasm_f32x4_splat(WHOLE);
	return wasm_i32x4_sub(wasm_f32x4_add(v, whole), whole);
}

// Four largest magnitudes, and 0 or, where an input was infinite or NaN, NaN: a maximum that keeps NaN is many instructions.
typedef struct {
	v128_t top, odd;
} Extent;

INLINE Extent no_extent(void) { return (Extent){wasm_f32x4_splat(0), wasm_f32x4_splat(0)}; }

INLINE Extent extend_to(Extent e, v128_t magnitudes) {
	return (Extent){wasm_f32x4_pmax(e.top, magnitudes), wasm_v128_or(e.odd, wasm_f32x4_sub(magnitudes, magnitudes))};
}

// The largest magnitude, or NaN.
INLINE f32 largest_of(Extent e) { return max_f32x4(e.top) + sum_f32x4(e.odd); }

// limit / largest, by which inputs become integers in [-limit, limit]; 0 where they are all but nothing, or one is NaN.
INLINE v128_t inverse_of(f32 largest, f32 limit) { return wasm_f32x4_splat(largest > 0x1p-110f ? limit / largest : 0); }

INLINE i32 sum_i32x4(v128_t v) {
	return wasm_i32x4_extract_lane(v, 0) + wasm_i32x4_extract_lane(v, 1) + wasm_i32x4_extract_lane(v, 2) + wasm_i32x4_extract_lane(v, 3);
}
