// Input forms for integer dot products with codes of 8 bits: inputs rounded to int16 in [-32767, 32767] with one scale A = largest
// magnitude / 32767 for each block of 64 or 32. Four inputs lie as 0, 2, 1, 3, the order in which codes are widened: even columns, then
// odd ones. A block is 2 x size bytes, then A x 2^56 as f32, the sum of the integers as i32, and 8 bytes of zeros. Blocks of 64 are padded
// to an even number, so that groups of 64 and 128 read the same form. Tokens lie one behind the other.
#include "rounding.h"

INLINE v128_t round_quad(const f32 *x, i32 at, i32 columns, v128_t inverse) {
	v128_t v = load_inputs(x, at, columns);
	return round_f32x4(wasm_f32x4_mul(wasm_i32x4_shuffle(v, v, 0, 2, 1, 3), inverse));
}

INLINE void int16_block(i16 *out, const f32 *x, i32 at, i32 columns, i32 size) {
	v128_t sums = wasm_i32x4_splat(0);
	v128_t extent = no_extent();
	for (i32 i = 0; i < size; i += 4) extent = extend_to(extent, load_inputs(x, at + i, columns));
	f32 largest = largest_of(extent);
	v128_t inverse = inverse_of(largest, 32767);
	for (i32 i = 0; i < size; i += 8) {
		v128_t a = round_quad(x, at + i, columns, inverse), b = round_quad(x, at + i + 4, columns, inverse);
		sums = wasm_i32x4_add(sums, wasm_i32x4_add(a, b));
		wasm_v128_store(out + i, wasm_i16x8_narrow_i32x4(a, b));
	}
	wasm_v128_store(out + size, wasm_i32x4_replace_lane(wasm_f32x4_make(largest / 32767 * TWO_56, 0, 0, 0), 1, sum_i32x4(sums)));
}

// `blocks` of each token.
INLINE void int16_form(i16 *out, const f32 *x, i32 columns, i32 size, i32 blocks, Share share) {
	for (i32 i = share.first; i < share.end; i++) int16_block(out + i * (size + 8), x + i / blocks * columns, i % blocks * size, columns, size);
}

KERNEL(form_int16x64)(i16 *out, const f32 *x, i32 tokens, i32 columns, i32 thread, i32 threads) {
	i32 blocks = blocks_of(columns, 64);
	int16_form(out, x, columns, 64, blocks, share_of(tokens * blocks, thread, threads));
}

KERNEL(form_int16x32)(i16 *out, const f32 *x, i32 tokens, i32 columns, i32 thread, i32 threads) {
	i32 blocks = blocks_of(columns, 32);
	int16_form(out, x, columns, 32, blocks, share_of(tokens * blocks, thread, threads));
}
