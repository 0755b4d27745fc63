// The tables of lookup products (T-MAC, arXiv 2407.00088): the 16 sums of four inputs, each added or taken away.
#pragma once
#include "rounding.h"

typedef struct {
	v128_t q[4];
} SignedSums;

// Lane k of q[j] is entry 4 j + k: +x_i where bit i of the entry is set, else -x_i. Inputs 0 and 1 vary within a vector, 2 and 3 between.
INLINE SignedSums signed_sums(v128_t x) {
	v128_t flip = wasm_i32x4_const(1 << 31, 0, 1 << 31, 0), flip2 = wasm_i32x4_const(1 << 31, 1 << 31, 0, 0);
	v128_t x0 = wasm_i32x4_shuffle(x, x, 0, 0, 0, 0), x1 = wasm_i32x4_shuffle(x, x, 1, 1, 1, 1);
	v128_t x2 = wasm_i32x4_shuffle(x, x, 2, 2, 2, 2), x3 = wasm_i32x4_shuffle(x, x, 3, 3, 3, 3);
	v128_t low = wasm_f32x4_add(wasm_v128_xor(x0, flip), wasm_v128_xor(x1, flip2));
	v128_t sum = wasm_f32x4_add(x2, x3), difference = wasm_f32x4_sub(x2, x3);
	return (SignedSums){{wasm_f32x4_sub(low, sum), wasm_f32x4_add(low, difference), wasm_f32x4_sub(low, difference), wasm_f32x4_add(low, sum)}};
}

// The sums of magnitudes of four inputs, in all lanes: the largest entry.
INLINE v128_t largest_sum(v128_t x) {
	v128_t a = wasm_f32x4_abs(x);
	a = wasm_f32x4_add(a, wasm_i32x4_shuffle(a, a, 1, 0, 3, 2));
	return wasm_f32x4_add(a, wasm_i32x4_shuffle(a, a, 2, 3, 0, 1));
}

// Entries rounded to signed bytes.
INLINE v128_t narrow_sums(SignedSums s) {
	v128_t a = wasm_i16x8_narrow_i32x4(round_f32x4(s.q[0]), round_f32x4(s.q[1])), b = wasm_i16x8_narrow_i32x4(round_f32x4(s.q[2]), round_f32x4(s.q[3]));
	return wasm_i8x16_narrow_i16x8(a, b);
}
