// y = x Wᵀ for 6 to 8 bit integers and many tokens: 16 rows are decoded into scratch [padded columns][16], then multiplied in f32.
#include "scalar.h"
#include "tile.h"

// Four columns as [column][16 rows].
INLINE void decode_columns(f32 *out, Codes codes, Rows zeros, Rows scales) {
	UNROLL for (i32 i = 0; i < 4; i++) {
		UNROLL for (i32 q = 0; q < 4; q++) {
			v128_t code = wasm_v128_and(wasm_u32x4_shr(codes.q[q], 8 * i), wasm_i32x4_splat(255));
			wasm_v128_store(out + 16 * i + 4 * q, wasm_f32x4_mul(wasm_f32x4_sub(wasm_f32x4_convert_i32x4(code), zeros.q[q]), scales.q[q]));
		}
	}
}

INLINE void tile_scalar(f32 *y, const f32 *x, const u32 *parts, f32 *scratch, i32 tokens, i32 rows, i32 columns, i32 group, i32 bits) {
	i32 groups = ceil_divide(columns, group), at = 0;
	Slices s = slices_of(parts, bits);
	for (i32 row = 0; row < rows; row += 16) {
		f32 *out = scratch;
		for (i32 g = 0; g < groups; g++, s.scales += 16, s.zeros += 16) {
			Rows zeros = rows_from_u8(wasm_v128_load(s.zeros)), scales = load_scales(s.scales);
			UNROLL for (i32 q = 0; q < 4; q++) scales.q[q] = wasm_f32x4_mul(scales.q[q], wasm_f32x4_splat(TWO_112));
			for (i32 h = 0; h < group / 4; h++, at++, out += 64) decode_columns(out, load_codes(&s, bits, at), zeros, scales);
		}
		multiply_tile(y + row, x, scratch, tokens, rows, columns, rows - row < 16 ? rows - row : 16);
	}
}

#define TILE(bits) \
	KERNEL(tile_scalar##bits)(f32 *y, const f32 *x, const u32 *parts, f32 *scratch, i32 tokens, i32 rows, i32 columns, i32 group) { \
		tile_scalar(y, x, parts, scratch, tokens, rows, columns, group, bits); \
	}

TILE(6)
TILE(7)
TILE(8)
