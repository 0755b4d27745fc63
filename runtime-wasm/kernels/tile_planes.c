// y = x Wᵀ for bit planes and many tokens: 16 rows are decoded into scratch [padded columns][16], then multiplied in f32.
#include "planes.h"
#include "tile.h"

INLINE void decode_octet(f32 *out, const Planes *p, i32 bits, i32 at, v128_t zeros_low, v128_t zeros_high, Rows scales) {
	v128_t one = wasm_i8x16_splat(1);
	UNROLL for (i32 i = 0; i < 8; i++) {
		v128_t code = wasm_i8x16_splat(0);
		UNROLL for (i32 b = bits - 1; b >= 0; b--) {
			v128_t bit = wasm_v128_and(wasm_u16x8_shr(wasm_v128_load(p->plane[b] + at), i), one);
			code = wasm_v128_or(wasm_i8x16_add(code, code), bit);
		}
		v128_t low = wasm_i16x8_sub(wasm_i16x8_shl(wasm_u16x8_extend_low_u8x16(code), 3), zeros_low);
		v128_t high = wasm_i16x8_sub(wasm_i16x8_shl(wasm_u16x8_extend_high_u8x16(code), 3), zeros_high);
		Rows w = rows_from_i16(low, high);
		UNROLL for (i32 k = 0; k < 4; k++) wasm_v128_store(out + 16 * i + 4 * k, wasm_f32x4_mul(w.q[k], scales.q[k]));
	}
}

INLINE void tile_planes(f32 *y, const f32 *x, const u32 *parts, f32 *scratch, i32 tokens, i32 rows, i32 columns, i32 group, i32 bits) {
	i32 groups = ceil_divide(columns, group);
	Planes p = planes_of(parts, bits);
	for (i32 row = 0; row < rows; row += 16) {
		f32 *out = scratch;
		i32 at = 0;
		for (i32 g = 0; g < groups; g++, p.scales += 16, p.zeros += 16) {
			Rows scales = load_scales(p.scales);
			UNROLL for (i32 k = 0; k < 4; k++) scales.q[k] = wasm_f32x4_mul(scales.q[k], wasm_f32x4_splat(TWO_112 / 8));
			v128_t zeros = wasm_v128_load(p.zeros);
			v128_t low = wasm_u16x8_extend_low_u8x16(zeros), high = wasm_u16x8_extend_high_u8x16(zeros);
			for (i32 o = 0; o < group / 8; o++, at += 16, out += 128) decode_octet(out, &p, bits, at, low, high, scales);
		}
		UNROLL for (i32 b = 0; b < bits; b++) p.plane[b] += at;
		multiply_tile(y + row, x, scratch, tokens, rows, columns, rows - row < 16 ? rows - row : 16);
	}
}

#define TILE(bits) \
	KERNEL(tile_planes##bits)(f32 *y, const f32 *x, const u32 *parts, f32 *scratch, i32 tokens, i32 rows, i32 columns, i32 group) { \
		tile_planes(y, x, parts, scratch, tokens, rows, columns, group, bits); \
	}

TILE(2)
TILE(3)
TILE(4)
TILE(5)
