// y = W x for codes with 16 levels: levels rounded to 16 bits, times the int8 form of the input, exactly in i32, block by block:
//   y = sum over groups of s (A D / 32767),  D = sum round(32767 level) a
// Two lookups give the low and the high bytes of the levels of eight rows and two columns; woven together they are the pairs of the
// 16-bit dot product, whose sums land in the lanes of four rows. |D| <= 64 x 32767 x 127 < 2^31.
#include "levels.h"

typedef struct {
	v128_t low, high;
} Table;

INLINE v128_t rounded(const f32 *levels) { return wasm_i32x4_trunc_sat_f32x4(wasm_f32x4_nearest(wasm_f32x4_mul(wasm_v128_load(levels), wasm_f32x4_splat(32767)))); }

INLINE Table table_of(const f32 *levels) {
	v128_t a = wasm_i16x8_narrow_i32x4(rounded(levels), rounded(levels + 4)), b = wasm_i16x8_narrow_i32x4(rounded(levels + 8), rounded(levels + 12));
	return (Table){even_bytes(a, b), odd_bytes(a, b)};
}

INLINE Rows block_dots(Table t, const u8 *codes, const i8 *x, i32 pairs) {
	v128_t sum[4];
	UNROLL for (i32 q = 0; q < 4; q++) sum[q] = wasm_i32x4_splat(0);
	for (i32 p = 0; p < pairs; p++) {
		v128_t bytes = wasm_v128_load(codes + 16 * p), inputs = wasm_i16x8_extend_low_i8x16(wasm_v128_load16_splat(x + 2 * p));
		UNROLL for (i32 half = 0; half < 2; half++) {
			v128_t index = half_codes(bytes, half), low = pick(t.low, index), high = pick(t.high, index);
			sum[2 * half] = wasm_i32x4_add(sum[2 * half], wasm_i32x4_dot_i16x8(mix_low(low, high), inputs));
			sum[2 * half + 1] = wasm_i32x4_add(sum[2 * half + 1], wasm_i32x4_dot_i16x8(mix_high(low, high), inputs));
		}
	}
	Rows r;
	UNROLL for (i32 q = 0; q < 4; q++) r.q[q] = wasm_f32x4_convert_i32x4(sum[q]);
	return r;
}

INLINE void matvec_levels(f32 *y, const i8 *x, const u32 *parts, i32 rows, i32 columns, i32 group, i32 size, Share blocks) {
	i32 groups = ceil_divide(columns, group);
	Levels w = levels_of(parts);
	Table table = table_of(w.levels);
	w.codes += 8 * group * groups * blocks.first;
	w.scales += 16 * groups * blocks.first;
	for (i32 row = 16 * blocks.first; row < 16 * blocks.end; row += 16) {
		Rows total = zero_rows();
		const i8 *form = x;
		for (i32 g = 0; g < groups; g++, w.scales += 16) {
			Rows scales = load_scales(w.scales), sum = zero_rows();
			ONE_BY_ONE for (i32 b = 0; b < group / size; b++, w.codes += 8 * size, form += size + 16) {
				Rows dots = block_dots(table, w.codes, form, size / 2);
				v128_t unit = wasm_v128_load32_splat(form + size);
				UNROLL for (i32 q = 0; q < 4; q++) sum.q[q] = wasm_f32x4_add(sum.q[q], wasm_f32x4_mul(dots.q[q], unit));
			}
			UNROLL for (i32 q = 0; q < 4; q++) total.q[q] = wasm_f32x4_add(total.q[q], wasm_f32x4_mul(sum.q[q], scales.q[q]));
		}
		UNROLL for (i32 q = 0; q < 4; q++) total.q[q] = wasm_f32x4_mul(total.q[q], wasm_f32x4_splat(TWO_56 / 32767));
		store_rows(y + row, total, rows - row);
	}
}

#define MATVEC(group, size) \
	KERNEL(matvec_levels_##group)(f32 *y, const i8 *x, const u32 *parts, i32 rows, i32 columns, i32 thread, i32 threads) { \
		matvec_levels(y, x, parts, rows, columns, group, size, share_of(ceil_divide(rows, 16), thread, threads)); \
	}

MATVEC(32, 32)
MATVEC(64, 64)
MATVEC(128, 64)
