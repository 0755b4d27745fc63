// Integer dot products of codes with an integer form of the input. The two ways give equal results:
//   narrow   relaxed SIMD and codes below 128: eight-bit operands, whose pair sums stay in 16 bits for `steps_of` steps
//   wide     16-bit operands, even columns of a quad, then odd ones; all in plain SIMD, and codes of 8 bits
#pragma once
#include "scalar.h"

typedef struct {
	v128_t q[4];
} Sums;

INLINE v128_t add_dot(v128_t sum, v128_t a, v128_t b) { return wasm_i32x4_add(sum, wasm_i32x4_dot_i16x8(a, b)); }

#ifdef __wasm_relaxed_simd__
INLINE i32 is_narrow(i32 bits) { return bits < 8; }
// Products of pairs of columns of four rows.
INLINE v128_t pair_products(v128_t inputs, v128_t codes) { return wasm_i16x8_relaxed_dot_i8x16_i7x16(inputs, codes); }
#else
INLINE i32 is_narrow(i32 bits) { return (void)bits, 0; }
INLINE v128_t pair_products(v128_t inputs, v128_t codes) { return (void)codes, inputs; }
#endif

// Quads of columns whose pair products, each up to 2 x 127 x (2^bits - 1), a 16-bit sum holds.
INLINE i32 steps_of(i32 bits) { return bits < 5 ? 8 : bits == 5 ? 4 : bits == 6 ? 2 : 1; }

// Inputs of a form: int8 for codes below 8 bits, else int16. Both end in 16 bytes: the unit as f32, the sum of the integers as i32.
INLINE i32 input_bytes(i32 bits) { return bits < 8 ? 1 : 2; }
INLINE i32 form_bytes(i32 bits, i32 size) { return size * input_bytes(bits) + 16; }

// The columns of quad `at` of a block as 16-bit operands: `even` are columns 0 and 2, `odd` 1 and 3.
typedef struct {
	v128_t even, odd;
} Quad;

INLINE Quad wide_inputs(i32 bits, const u8 *x, i32 at) {
	if (bits == 8) return (Quad){wasm_v128_load32_splat(x + 8 * at), wasm_v128_load32_splat(x + 8 * at + 4)};
	v128_t v = wasm_v128_load32_splat(x + 4 * at);
	return (Quad){wasm_i16x8_shr(wasm_i16x8_shl(v, 8), 8), wasm_i16x8_shr(v, 8)};
}

INLINE Quad wide_codes(v128_t codes) { return (Quad){wasm_v128_and(codes, wasm_i16x8_splat(255)), wasm_u16x8_shr(codes, 8)}; }
