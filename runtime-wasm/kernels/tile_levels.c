// y = x Wᵀ + bias for codes with 16 levels and many tokens: 16 rows are decoded into scratch [padded columns][16], then multiplied in f32.
#include "levels.h"
#include "tile.h"

// The bytes of 16 f32, lowest first.
typedef struct {
	v128_t byte[4];
} Floats;

INLINE Floats floats_of(const f32 *levels) {
	v128_t a = wasm_v128_load(levels), b = wasm_v128_load(levels + 4), c = wasm_v128_load(levels + 8), d = wasm_v128_load(levels + 12);
	v128_t even_ab = even_bytes(a, b), even_cd = even_bytes(c, d), odd_ab = odd_bytes(a, b), odd_cd = odd_bytes(c, d);
	return (Floats){{even_bytes(even_ab, even_cd), even_bytes(odd_ab, odd_cd), odd_bytes(even_ab, even_cd), odd_bytes(odd_ab, odd_cd)}};
}

// A pair of columns of 16 rows as [column][16].
INLINE void decode_pair(f32 *out, const u8 *codes, Floats f, Rows scales) {
	v128_t bytes = wasm_v128_load(codes);
	UNROLL for (i32 half = 0; half < 2; half++) {
		v128_t index = half_codes(bytes, half);
		v128_t a = pick(f.byte[0], index), b = pick(f.byte[1], index), c = pick(f.byte[2], index), d = pick(f.byte[3], index);
		UNROLL for (i32 k = 0; k < 2; k++) {
			v128_t low = k ? mix_high(a, b) : mix_low(a, b), high = k ? mix_high(c, d) : mix_low(c, d);
			v128_t two = wasm_i16x8_shuffle(low, high, 0, 8, 1, 9, 2, 10, 3, 11), next = wasm_i16x8_shuffle(low, high, 4, 12, 5, 13, 6, 14, 7, 15);
			v128_t scale = scales.q[2 * half + k];
			wasm_v128_store(out + 8 * half + 4 * k, wasm_f32x4_mul(wasm_i32x4_shuffle(two, next, 0, 2, 4, 6), scale));
			wasm_v128_store(out + 16 + 8 * half + 4 * k, wasm_f32x4_mul(wasm_i32x4_shuffle(two, next, 1, 3, 5, 7), scale));
		}
	}
}

KERNEL(tile_levels)(f32 *y, const f32 *x, const u32 *parts, const f32 *bias, f32 *scratch, i32 tokens, i32 rows, i32 columns, i32 group) {
	i32 groups = ceil_divide(columns, group);
	Levels w = levels_of(parts);
	Floats floats = floats_of(w.levels);
	for (i32 row = 0; row < rows; row += 16) {
		f32 *out = scratch;
		for (i32 g = 0; g < groups; g++, w.scales += 16) {
			Rows scales = load_scales(w.scales);
			UNROLL for (i32 q = 0; q < 4; q++) scales.q[q] = wasm_f32x4_mul(scales.q[q], wasm_f32x4_splat(TWO_112));
			for (i32 p = 0; p < group / 2; p++, w.codes += 16, out += 32) decode_pair(out, w.codes, floats, scales);
		}
		multiply_tile(y + row, x, scratch, bias ? bias + row : 0, tokens, rows, columns, rows - row < 16 ? rows - row : 16);
	}
}
