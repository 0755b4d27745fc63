// Input forms for lookup kernels: for every four inputs the 16 sums of +x_i (bit i set) and -x_i (bit i clear), rounded to int8.
//
// Blocks of 64 or 32 inputs have one scale T = largest sum / 127. A block is its tables (16 bytes each; biased by 128 in plain SIMD,
// where they add as unsigned bytes), then T/128 x 2^56 as f32, the i16 pair 64 and Q = (sum of the inputs)/8 in units of T/128, and 8
// bytes of zeros. |Q| <= 16 x 127 x 16 < 2^15. Blocks of 64 are padded to an even number, so that groups of 64 and 128 read the same
// form. Tokens lie one behind the other. Method: T-MAC, arXiv 2407.00088.
#include "rounding.h"

typedef struct {
	v128_t q[4];
} Sums;

// Lane k of q[j] is entry 4 j + k: inputs 0 and 1 vary within a vector, 2 and 3 between vectors.
INLINE Sums signed_sums(v128_t x) {
	v128_t flip = wasm_i32x4_const(1 << 31, 0, 1 << 31, 0), flip2 = wasm_i32x4_const(1 << 31, 1 << 31, 0, 0);
	v128_t x0 = wasm_i32x4_shuffle(x, x, 0, 0, 0, 0), x1 = wasm_i32x4_shuffle(x, x, 1, 1, 1, 1);
	v128_t x2 = wasm_i32x4_shuffle(x, x, 2, 2, 2, 2), x3 = wasm_i32x4_shuffle(x, x, 3, 3, 3, 3);
	v128_t low = wasm_f32x4_add(wasm_v128_xor(x0, flip), wasm_v128_xor(x1, flip2));
	v128_t sum = wasm_f32x4_add(x2, x3), difference = wasm_f32x4_sub(x2, x3);
	return (Sums){{wasm_f32x4_sub(low, sum), wasm_f32x4_add(low, difference), wasm_f32x4_sub(low, difference), wasm_f32x4_add(low, sum)}};
}

INLINE v128_t narrow(Sums s) {
	v128_t a = wasm_i16x8_narrow_i32x4(round_f32x4(s.q[0]), round_f32x4(s.q[1])), b = wasm_i16x8_narrow_i32x4(round_f32x4(s.q[2]), round_f32x4(s.q[3]));
	v128_t entries = wasm_i8x16_narrow_i16x8(a, b);
#ifdef __wasm_relaxed_simd__
	return entries;
#else
	return wasm_v128_xor(entries, wasm_i8x16_splat(-128));
#endif
}

INLINE void table_block(u8 *out, const f32 *x, i32 at, i32 columns, i32 quads) {
	v128_t total = wasm_f32x4_splat(0);
	v128_t extent = no_extent();
	for (i32 j = 0; j < quads; j++) {
		v128_t v = load_inputs(x, at + 4 * j, columns), a = wasm_f32x4_abs(v);
		a = wasm_f32x4_add(a, wasm_i32x4_shuffle(a, a, 1, 0, 3, 2));
		a = wasm_f32x4_add(a, wasm_i32x4_shuffle(a, a, 2, 3, 0, 1));
		extent = extend_to(extent, a);
		total = wasm_f32x4_add(total, v);
	}
	f32 largest = largest_of(extent);
	v128_t inverse = inverse_of(largest, 127);
	for (i32 j = 0; j < quads; j++) {
		wasm_v128_store(out + 16 * j, narrow(signed_sums(wasm_f32x4_mul(load_inputs(x, at + 4 * j, columns), inverse))));
	}
	i32 q = (i32)__builtin_rintf(sum_f32x4(total) * wasm_f32x4_extract_lane(inverse, 0) * 16);
	v128_t end = wasm_f32x4_make(largest * (TWO_56 / 127 / 128), 0, 0, 0);
	wasm_v128_store(out + 16 * quads, wasm_i32x4_replace_lane(end, 1, (i32)(((u32)q << 16) | 64)));
}

// `blocks` of each token.
INLINE void tables(u8 *out, const f32 *x, i32 columns, i32 quads, i32 blocks, Share share) {
	for (i32 i = share.first; i < share.end; i++) {
		table_block(out + i * (16 * quads + 16), x + i / blocks * columns, i % blocks * quads * 4, columns, quads);
	}
}

KERNEL(form_table64)(u8 *out, const f32 *x, i32 tokens, i32 columns, i32 thread, i32 threads) {
	i32 blocks = blocks_of(columns, 64);
	tables(out, x, columns, 16, blocks, share_of(tokens * blocks, thread, threads));
}

KERNEL(form_table32)(u8 *out, const f32 *x, i32 tokens, i32 columns, i32 thread, i32 threads) {
	i32 blocks = blocks_of(columns, 32);
	tables(out, x, columns, 8, blocks, share_of(tokens * blocks, thread, threads));
}
