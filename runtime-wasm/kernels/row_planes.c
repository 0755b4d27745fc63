// y[i] = row ids[i] of a matrix in bit planes.
#include "planes.h"

INLINE void row_planes(f32 *y, const i64 *ids, const u32 *parts, i32 count, i32 rows, i32 columns, i32 group, i32 bits) {
	i32 groups = ceil_divide(columns, group), octets = groups * group / 8;
	Planes p = planes_of(parts, bits);
	v128_t low_bits = wasm_i32x4_const(1, 2, 4, 8), high_bits = wasm_i32x4_const(16, 32, 64, 128);
	for (i32 i = 0; i < count; i++, y += columns) {
		i32 id = row_index(ids[i], rows);
		i32 block = id >> 4, lane = id & 15;
		for (i32 c = 0; c < columns; c += 8) {
			i32 g = (block * groups + c / group) * 16 + lane, at = (block * octets + c / 8) * 16 + lane;
			v128_t scale = wasm_f32x4_splat(scale_of(p.scales[g]) / 8), zero = wasm_i32x4_splat(p.zeros[g]);
			v128_t low = wasm_i32x4_splat(0), high = low;
			UNROLL for (i32 b = 0; b < bits; b++) {
				v128_t byte = wasm_i32x4_splat(p.plane[b][at]), eight = wasm_i32x4_splat(8 << b);
				low = wasm_v128_or(low, wasm_v128_and(eight, wasm_i32x4_eq(wasm_v128_and(byte, low_bits), low_bits)));
				high = wasm_v128_or(high, wasm_v128_and(eight, wasm_i32x4_eq(wasm_v128_and(byte, high_bits), high_bits)));
			}
			store_quad(y + c, wasm_f32x4_mul(wasm_f32x4_convert_i32x4(wasm_i32x4_sub(low, zero)), scale), columns - c);
			store_quad(y + c + 4, wasm_f32x4_mul(wasm_f32x4_convert_i32x4(wasm_i32x4_sub(high, zero)), scale), columns - c - 4);
		}
	}
}

#define ROW(bits) \
	KERNEL(row_planes##bits)(f32 *y, const i64 *ids, const u32 *parts, i32 count, i32 rows, i32 columns, i32 group) { \
		row_planes(y, ids, parts, count, rows, columns, group, bits); \
	}

ROW(2)
ROW(3)
ROW(4)
ROW(5)
