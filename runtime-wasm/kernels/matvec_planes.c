// y = W x for bit planes, by lookup: a nibble of a plane picks, for 16 rows at once, the signed sum of four inputs from a table of
// `form_table.c`. With signs sigma = 2 bit - 1:
//   y = sum over groups of s (T/2 sum_p 2^p L_p + ((2^bits - 1) - z/4) X/2),  L_p = sum of looked-up entries of plane p
// which with the factors that the form carries is s (T/2 L + (4 (2^bits - 1) - z) X/8).
//
// Entries are unsigned (biased by 128). Their 16-bit sums take three operations: `all` adds byte pairs as they are, `odd` adds the
// high bytes, and even = all - (odd << 8) modulo 2^16. 16 lookups x 255 x 15 stay below 2^16, so a block of 64 inputs holds 4 planes.
// Of 5 planes the two high ones have sums of their own and look into the fine tables too: rounding then adds 1/16 of the variance
// that it has with the coarse ones alone.
#include "planes.h"

INLINE v128_t lookup(v128_t table, v128_t index) {
#ifdef __wasm_relaxed_simd__
	return wasm_i8x16_relaxed_swizzle(table, index);
#else
	return wasm_i8x16_swizzle(table, index);
#endif
}

typedef struct {
	v128_t all, odd;
} Sum;

INLINE Sum add_entries(Sum s, v128_t v) { return (Sum){wasm_i16x8_add(s.all, v), wasm_i16x8_add(s.odd, wasm_u16x8_shr(v, 8))}; }

INLINE Sum double_sum(Sum s) { return (Sum){wasm_i16x8_shl(s.all, 1), wasm_i16x8_shl(s.odd, 1)}; }

INLINE Sum plane_sum(Sum s, const u8 *plane, const u8 *table, i32 octets) {
	v128_t mask = wasm_i8x16_splat(15);
	UNROLL for (i32 o = 0; o < octets; o++) {
		v128_t v = wasm_v128_load(plane + 16 * o);
		s = add_entries(s, lookup(wasm_v128_load(table + 32 * o), wasm_v128_and(v, mask)));
		s = add_entries(s, lookup(wasm_v128_load(table + 32 * o + 16), wasm_v128_and(wasm_u16x8_shr(v, 4), mask)));
	}
	return s;
}

// Sums of planes first to last, the lowest counted once, the next twice, …; `at` is in bytes.
INLINE Sum planes_sum(const Planes *p, i32 first, i32 last, i32 at, const u8 *table, i32 octets) {
	Sum s = {wasm_i16x8_splat(0), wasm_i16x8_splat(0)};
	UNROLL for (i32 i = last; i >= first; i--) {
		if (i < last) s = double_sum(s);
		s = plane_sum(s, p->plane[i] + at, table, octets);
	}
	return s;
}

// In the order of rows, without the bias.
INLINE Rows rows_of_sum(Sum s, i32 bias) {
	v128_t b = wasm_i16x8_splat((i16)bias);
	v128_t odd = wasm_i16x8_sub(s.odd, b), even = wasm_i16x8_sub(wasm_i16x8_sub(s.all, wasm_i16x8_shl(s.odd, 8)), b);
	return rows_from_i16(wasm_i16x8_shuffle(even, odd, 0, 8, 1, 9, 2, 10, 3, 11), wasm_i16x8_shuffle(even, odd, 4, 12, 5, 13, 6, 14, 7, 15));
}

INLINE Rows add_scaled(Rows y, Rows v, v128_t factor) {
	UNROLL for (i32 k = 0; k < 4; k++) y.q[k] = wasm_f32x4_add(y.q[k], wasm_f32x4_mul(v.q[k], factor));
	return y;
}

// One block of up to 4 planes: adds T/2 L.
INLINE Rows block_coarse(Rows y, const Planes *p, i32 bits, i32 at, const u8 *x, i32 octets) {
	Sum s = planes_sum(p, 0, bits - 1, at, x, octets);
	return add_scaled(y, rows_of_sum(s, 256 * octets * ((1 << bits) - 1)), wasm_v128_load32_splat(x + 32 * octets));
}

// One block of 5 planes: adds T/2 (L of planes 0 to 2 + 8 (L of planes 3 and 4 + (what their fine tables add) / 254)).
INLINE Rows block_fine(Rows y, const Planes *p, i32 at, const u8 *x, i32 octets) {
	const f32 *units = (const f32 *)(x + 64 * octets);
	f32 factor = units[0];
	y = add_scaled(y, rows_of_sum(planes_sum(p, 0, 2, at, x, octets), 256 * octets * 7), wasm_f32x4_splat(factor));
	// As a loop, so that the two passes do not share what would not fit the registers.
	ONE_BY_ONE for (i32 pass = 0; pass < 2; pass++, x += 32 * octets, factor = units[2]) {
		y = add_scaled(y, rows_of_sum(planes_sum(p, 3, 4, at, x, octets), 256 * octets * 3), wasm_f32x4_splat(8 * factor));
	}
	return y;
}

INLINE void matvec_planes(f32 *y, const u8 *x, const u32 *parts, i32 rows, i32 columns, i32 bits, i32 group, i32 size) {
	i32 groups = ceil_divide(columns, group), octets = size / 8, fine = bits > 4;
	i32 stride = 32 * octets * (fine ? 2 : 1) + 16;
	Planes p = planes_of(parts, bits);
	for (i32 row = 0; row < rows; row += 16) {
		Rows total = zero_rows();
		const u8 *form = x;
		for (i32 g = 0; g < groups; g++) {
			Rows sum = zero_rows();
			f32 inputs = 0;
			ONE_BY_ONE for (i32 b = 0; b < group / size; b++) {
				i32 at = 2 * group * g + 16 * octets * b;
				sum = fine ? block_fine(sum, &p, at, form, octets) : block_coarse(sum, &p, bits, at, form, octets);
				inputs += *(const f32 *)(form + stride - 12);
				form += stride;
			}
			v128_t zeros = wasm_v128_load(p.zeros + 16 * g), top = wasm_i16x8_splat((i16)(4 * ((1 << bits) - 1)));
			sum = add_scaled(sum, rows_from_i16(wasm_i16x8_sub(top, wasm_u16x8_extend_low_u8x16(zeros)), wasm_i16x8_sub(top, wasm_u16x8_extend_high_u8x16(zeros))), wasm_f32x4_splat(inputs));
			Rows scales = load_scales(p.scales + 16 * g);
			UNROLL for (i32 k = 0; k < 4; k++) total.q[k] = wasm_f32x4_add(total.q[k], wasm_f32x4_mul(sum.q[k], scales.q[k]));
		}
		UNROLL for (i32 k = 0; k < 4; k++) total.q[k] = wasm_f32x4_mul(total.q[k], wasm_f32x4_splat(TWO_56));
		store_rows(y + row, total, rows - row);
		UNROLL for (i32 i = 0; i < bits; i++) p.plane[i] += 2 * group * groups;
		p.scales += 16 * groups;
		p.zeros += 16 * groups;
	}
}

#define MATVEC(bits, group, size) \
	KERNEL(matvec_planes##bits##_##group)(f32 *y, const u8 *x, const u32 *parts, i32 rows, i32 columns) { \
		matvec_planes(y, x, parts, rows, columns, bits, group, size); \
	}

MATVEC(2, 32, 32)
MATVEC(2, 64, 64)
MATVEC(2, 128, 64)
MATVEC(3, 32, 32)
MATVEC(3, 64, 64)
MATVEC(3, 128, 64)
MATVEC(4, 32, 32)
MATVEC(4, 64, 64)
MATVEC(4, 128, 64)
MATVEC(5, 32, 32)
MATVEC(5, 64, 64)
MATVEC(5, 128, 64)
