// Input forms for lookup kernels: for every four inputs the 16 sums of +x_i (bit i set) and -x_i (bit i clear), rounded to int8.
//
// Blocks of 64 or 32 inputs have one scale T = largest sum / 127. A block is its tables (16 bytes each; biased by 128 in plain SIMD,
// where they add as unsigned bytes), then T/128 x 2^56 as f32, the i16 pair 64 and Q = (sum of the inputs)/8 in units of T/128, and 8
// bytes of zeros. |Q| <= 16 x 127 x 16 < 2^15. Blocks of 64 are padded to an even number, so that groups of 64 and 128 read the same
// form. Tokens lie one behind the other. Method: T-MAC, arXiv 2407.00088.
#include "signed_sums.h"

INLINE v128_t narrow(SignedSums s) {
	v128_t entries = narrow_sums(s);
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
		v128_t v = load_inputs(x, at + 4 * j, columns);
		extent = extend_to(extent, largest_sum(v));
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
