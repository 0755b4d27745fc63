// Sums of looked-up bytes in 16-bit lanes.
#pragma once
#include "code.h"

// For indices below 16.
INLINE v128_t pick(v128_t table, v128_t index) {
#ifdef __wasm_relaxed_simd__
	return wasm_i8x16_relaxed_swizzle(table, index);
#else
	return wasm_i8x16_swizzle(table, index);
#endif
}

// Of unsigned bytes: `all` adds byte pairs as they are and `high` the upper bytes, so that the sum of the lower ones is
// all - (high << 8) modulo 2^16.
typedef struct {
	v128_t all, high;
} Sum;

INLINE Sum no_sum(void) { return (Sum){wasm_i16x8_splat(0), wasm_i16x8_splat(0)}; }

INLINE Sum add_entries(Sum s, v128_t v) { return (Sum){wasm_i16x8_add(s.all, v), wasm_i16x8_add(s.high, wasm_u16x8_shr(v, 8))}; }

// Sums of the lanes with even (`all`) and with odd numbers (`high`), without the bias of all their entries.
INLINE Sum parts_of_sum(Sum s, i32 bias) {
	v128_t all = wasm_i16x8_splat((i16)bias);
	return (Sum){wasm_i16x8_sub(wasm_i16x8_sub(s.all, wasm_i16x8_shl(s.high, 8)), all), wasm_i16x8_sub(s.high, all)};
}
