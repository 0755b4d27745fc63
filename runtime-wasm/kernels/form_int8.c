// Input forms for integer dot products: inputs rounded to int8 in [-127, 127] with one scale A = largest magnitude / 127 for each
// block of 64 or 32. A block is its bytes, then A x 2^56 as f32, the sum of the bytes as i32, and 8 bytes of zeros. Blocks of 64 are
// padded to an even number, so that groups of 64 and 128 read the same form. Tokens lie one behind the other.
#include "rounding.h"

INLINE void int8_block(i8 *out, const f32 *x, i32 at, i32 columns, i32 size) {
	v128_t sums = wasm_i32x4_splat(0);
	v128_t extent = no_extent();
	for (i32 i = 0; i < size; i += 4) extent = extend_to(extent, load_inputs(x, at + i, columns));
	f32 largest = largest_of(extent);
	v128_t inverse = inverse_of(largest, 127);
	for (i32 i = 0; i < size; i += 8) {
		v128_t a = round_f32x4(wasm_f32x4_mul(load_inputs(x, at + i, columns), inverse));
		v128_t b = round_f32x4(wasm_f32x4_mul(load_inputs(x, at + i + 4, columns), inverse));
		sums = wasm_i32x4_add(sums, wasm_i32x4_add(a, b));
		v128_t words = wasm_i16x8_narrow_i32x4(a, b);
		wasm_v128_store64_lane(out + i, wasm_i8x16_narrow_i16x8(words, words), 0);
	}
	wasm_v128_store(out + size, wasm_i32x4_replace_lane(wasm_f32x4_make(largest / 127 * TWO_56, 0, 0, 0), 1, sum_i32x4(sums)));
}

// `blocks` of each token.
INLINE void int8_form(i8 *out, const f32 *x, i32 columns, i32 size, i32 blocks, Share share) {
	for (i32 i = share.first; i < share.end; i++) int8_block(out + i * (size + 16), x + i / blocks * columns, i % blocks * size, columns, size);
}

KERNEL(form_int8x64)(i8 *out, const f32 *x, i32 tokens, i32 columns, i32 thread, i32 threads) {
	i32 blocks = blocks_of(columns, 64);
	int8_form(out, x, columns, 64, blocks, share_of(tokens * blocks, thread, threads));
}

KERNEL(form_int8x32)(i8 *out, const f32 *x, i32 tokens, i32 columns, i32 thread, i32 threads) {
	i32 blocks = blocks_of(columns, 32);
	int8_form(out, x, columns, 32, blocks, share_of(tokens * blocks, thread, threads));
}
