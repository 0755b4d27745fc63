// y[i] = row ids[i] of a matrix in bit planes.
#include "planes.h"

// Adds `eight`, which is 8 x 2^plane, to the lanes whose bit of `byte` is set.
INLINE v128_t add_plane(v128_t code, u8 byte, v128_t bits, i32 eight) {
	return wasm_v128_or(code, wasm_v128_and(wasm_i32x4_splat(eight), wasm_i32x4_eq(wasm_v128_and(wasm_i32x4_splat(byte), bits), bits)));
}

INLINE void row_planes(f32 *y, const i64 *ids, const u32 *parts, i32 count, i32 rows, i32 columns, i32 group, i32 bits) {
	i32 groups = ceil_divide(columns, group), octets = groups * group / 8;
	Planes p = planes_of(parts, bits);
	for (i32 i = 0; i < count; i++, y += columns) {
		i32 id = row_index(ids[i], rows);
		i32 block = id >> 4, lane = id & 15;
		for (i32 c = 0; c < columns; c += 4) {
			i32 g = (block * groups + c / group) * 16 + lane, at = block * octets + c / 8;
			const u8 *pair = p.pairs + 32 * at + 2 * lane;
			v128_t mask = c & 4 ? wasm_i32x4_const(16, 32, 64, 128) : wasm_i32x4_const(1, 2, 4, 8), code = wasm_i32x4_splat(0);
			code = add_plane(code, pair[0], mask, 8 << (bits - 2));
			code = add_plane(code, pair[1], mask, 8 << (bits - 1));
			if (bits == 3) code = add_plane(code, p.plane[16 * at + lane], mask, 8);
			v128_t centred = wasm_f32x4_convert_i32x4(wasm_i32x4_sub(code, wasm_i32x4_splat(p.zeros[g])));
			store_quad(y + c, wasm_f32x4_mul(centred, wasm_f32x4_splat(scale_of(p.scales[g]) / 8)), columns - c);
		}
	}
}

#define ROW(bits) \
	KERNEL(row_planes##bits)(f32 *y, const i64 *ids, const u32 *parts, i32 count, i32 rows, i32 columns, i32 group) { \
		row_planes(y, ids, parts, count, rows, columns, group, bits); \
	}

ROW(2)
ROW(3)
