// y[i] = row ids[i] of a matrix of 4 to 8 bit integers.
#include "scalar.h"

INLINE v128_t four_bytes(const u8 *at) { return wasm_u32x4_extend_low_u16x8(wasm_u16x8_extend_low_u8x16(wasm_v128_load32_zero(at))); }

// Codes of four consecutive columns of one row: `v` is the vector within octet `octet`, `lane` the row within the vector.
INLINE v128_t four_codes(const Slices *s, i32 bits, i32 octet, i32 v, i32 lane) {
	if (bits == 8) return four_bytes(s->high + 128 * octet + 16 * v + 4 * lane);
	v128_t code = wasm_v128_and(wasm_u32x4_shr(four_bytes(s->high + 64 * octet + 16 * (v >> 1) + 4 * lane), 4 * (v & 1)), wasm_i32x4_splat(15));
	if (has_pairs(bits)) {
		v128_t pair = wasm_u32x4_shr(four_bytes(s->pairs + 32 * octet + 16 * (v >> 2) + 4 * lane), 2 * (v & 3));
		code = wasm_v128_or(wasm_i32x4_shl(code, 2), wasm_v128_and(pair, wasm_i32x4_splat(3)));
	}
	if (has_bits(bits)) {
		v128_t bit = wasm_u32x4_shr(four_bytes(s->bits + 16 * octet + 4 * lane), v);
		code = wasm_v128_or(wasm_i32x4_shl(code, 1), wasm_v128_and(bit, wasm_i32x4_splat(1)));
	}
	return code;
}

INLINE void row_scalar(f32 *y, const i64 *ids, const u32 *parts, i32 count, i32 rows, i32 columns, i32 group, i32 bits) {
	i32 groups = ceil_divide(columns, group), octets = groups * group / 8;
	Slices s = slices_of(parts, bits);
	for (i32 i = 0; i < count; i++, y += columns) {
		i32 id = row_index(ids[i], rows);
		i32 block = id >> 4, lane = id & 15;
		for (i32 c = 0; c < columns; c += 4) {
			i32 g = (block * groups + c / group) * 16 + lane;
			v128_t code = four_codes(&s, bits, block * octets + c / 8, (c & 4) + (lane >> 2), lane & 3);
			v128_t centred = wasm_f32x4_convert_i32x4(wasm_i32x4_sub(wasm_i32x4_mul(code, wasm_i32x4_splat(fraction_of(bits))), wasm_i32x4_splat(s.zeros[g])));
			store_quad(y + c, wasm_f32x4_mul(centred, wasm_f32x4_splat(scale_of(s.scales[g]) / fraction_of(bits))), columns - c);
		}
	}
}

#define ROW(bits) \
	KERNEL(row_scalar##bits)(f32 *y, const i64 *ids, const u32 *parts, i32 count, i32 rows, i32 columns, i32 group) { \
		row_scalar(y, ids, parts, count, rows, columns, group, bits); \
	}

ROW(4)
ROW(5)
ROW(6)
ROW(7)
ROW(8)
