// y = W x for bit planes, by lookup (T-MAC, arXiv 2407.00088): a nibble of a plane picks, for 16 lanes at once, the signed sum of four
// inputs from a table of `form_table.c`. With signs sigma = 2 bit - 1:
//   y = sum over groups of s (T/2 L + (4 (2^bits - 1) - z) X/8),  L = sum over planes of 2^p (sum of looked-up entries)
// A block of 64 inputs is exact in integers: the form's Q = X/8 in units of T/128, and v = 64 L + (4 (2^bits - 1) - z) Q.
//
// Neighbouring bytes of a pair vector are the two planes of one row. The relaxed dot product weighs and adds them in one step; in
// plain SIMD, and for the single plane, `all` adds byte pairs as they are and `high` the upper bytes, so that the lower byte's sum is
// all - (high << 8) modulo 2^16; entries are unsigned there, biased by 128. |L| <= 16 x 127 x 7 < 2^15.
#include "lookup.h"
#include "planes.h"

// Adds what the nibbles of `v` pick from the tables of two quads.
INLINE Sum add_vector(Sum s, v128_t v, v128_t first, v128_t second, v128_t mask) {
	s = add_entries(s, pick(first, wasm_v128_and(v, mask)));
	return add_entries(s, pick(second, wasm_v128_and(wasm_u16x8_shr(v, 4), mask)));
}

#ifdef __wasm_relaxed_simd__
INLINE v128_t unsigned_table(v128_t table) { return wasm_v128_xor(table, wasm_i8x16_splat(-128)); }

INLINE v128_t add_pair(v128_t sum, v128_t v, v128_t first, v128_t second, v128_t mask, v128_t weights) {
	sum = wasm_i16x8_add(sum, wasm_i16x8_relaxed_dot_i8x16_i7x16(pick(first, wasm_v128_and(v, mask)), weights));
	KEEP(sum);
	sum = wasm_i16x8_add(sum, wasm_i16x8_relaxed_dot_i8x16_i7x16(pick(second, wasm_v128_and(wasm_u16x8_shr(v, 4), mask)), weights));
	KEEP(sum);
	return sum;
}
#else
INLINE v128_t unsigned_table(v128_t table) { return table; }
#endif

// Constants that stay in registers, which engines would else make again in each block.
typedef struct {
	v128_t mask, weights, top;
} Constants;

INLINE Constants constants_of(i32 bits) {
	Constants c = {wasm_i8x16_splat(15), wasm_i16x8_splat(bits == 3 ? 0x0402 : 0x0201), wasm_i16x8_splat((i16)(4 * ((1 << bits) - 1)))};
	KEEP(c.mask);
	KEEP(c.weights);
	KEEP(c.top);
	return c;
}

// L of rows 0 to 7 and 8 to 15 for one block.
typedef struct {
	v128_t low, high;
} Halves;

INLINE Halves block_sums(const Planes *p, i32 bits, i32 at, const u8 *x, i32 octets, Constants c) {
	Sum none = no_sum(), single = none;
	Halves l;
#ifdef __wasm_relaxed_simd__
	l = (Halves){none.all, none.all};
#else
	Sum low = none, high = none;
#endif
	UNROLL for (i32 o = 0; o < octets; o++) {
		v128_t first = wasm_v128_load(x + 32 * o), second = wasm_v128_load(x + 32 * o + 16);
		const u8 *pairs = p->pairs + 2 * at + 32 * o;
#ifdef __wasm_relaxed_simd__
		l.low = add_pair(l.low, wasm_v128_load(pairs), first, second, c.mask, c.weights);
		l.high = add_pair(l.high, wasm_v128_load(pairs + 16), first, second, c.mask, c.weights);
#else
		low = add_vector(low, wasm_v128_load(pairs), first, second, c.mask);
		high = add_vector(high, wasm_v128_load(pairs + 16), first, second, c.mask);
#endif
		IN_ORDER;
		if (bits == 3) single = add_vector(single, wasm_v128_load(p->plane + at + 16 * o), unsigned_table(first), unsigned_table(second), c.mask);
	}
#ifndef __wasm_relaxed_simd__
	low = parts_of_sum(low, 256 * octets), high = parts_of_sum(high, 256 * octets);
	l.low = wasm_i16x8_add(low.all, wasm_i16x8_shl(low.high, 1));
	l.high = wasm_i16x8_add(high.all, wasm_i16x8_shl(high.high, 1));
	if (bits == 3) l.low = wasm_i16x8_shl(l.low, 1), l.high = wasm_i16x8_shl(l.high, 1);
#endif
	if (bits == 3) {
		single = parts_of_sum(single, 256 * octets);
		l.low = wasm_i16x8_add(l.low, wasm_i16x8_shuffle(single.all, single.high, 0, 8, 1, 9, 2, 10, 3, 11));
		l.high = wasm_i16x8_add(l.high, wasm_i16x8_shuffle(single.all, single.high, 4, 12, 5, 13, 6, 14, 7, 15));
	}
	return l;
}

// T/128 (64 L + (4 (2^bits - 1) - z) Q) of one block; `z` are the centred zeros of rows 0 to 7 and 8 to 15.
INLINE Rows block_of(Halves l, Halves z, const u8 *form) {
	v128_t unit = wasm_v128_load32_splat(form), factors = wasm_v128_load32_splat(form + 4);
	v128_t v[4] = {
		wasm_i16x8_shuffle(l.low, z.low, 0, 8, 1, 9, 2, 10, 3, 11),
		wasm_i16x8_shuffle(l.low, z.low, 4, 12, 5, 13, 6, 14, 7, 15),
		wasm_i16x8_shuffle(l.high, z.high, 0, 8, 1, 9, 2, 10, 3, 11),
		wasm_i16x8_shuffle(l.high, z.high, 4, 12, 5, 13, 6, 14, 7, 15),
	};
	UNROLL for (i32 q = 0; q < 4; q++) v[q] = wasm_f32x4_mul(wasm_f32x4_convert_i32x4(wasm_i32x4_dot_i16x8(v[q], factors)), unit);
	return (Rows){{v[0], v[1], v[2], v[3]}};
}

INLINE void matvec_planes(f32 *y, const u8 *x, const u32 *parts, i32 rows, i32 columns, i32 bits, i32 group, i32 size, Share blocks) {
	i32 groups = ceil_divide(columns, group), octets = size / 8, at = 2 * group * groups * blocks.first;
	Planes p = planes_of(parts, bits);
	p.scales += 16 * groups * blocks.first;
	p.zeros += 16 * groups * blocks.first;
	Constants c = constants_of(bits);
	for (i32 row = 16 * blocks.first; row < 16 * blocks.end; row += 16) {
		Rows total = zero_rows();
		const u8 *form = x;
		for (i32 g = 0; g < groups; g++, p.scales += 16, p.zeros += 16) {
			v128_t zeros = wasm_v128_load(p.zeros);
			Halves z = {wasm_i16x8_sub(c.top, wasm_u16x8_extend_low_u8x16(zeros)), wasm_i16x8_sub(c.top, wasm_u16x8_extend_high_u8x16(zeros))};
			Rows scales = load_scales(p.scales);
			ONE_BY_ONE for (i32 b = 0; b < group / size; b++, at += 16 * octets, form += 32 * octets + 16) {
				Rows block = block_of(block_sums(&p, bits, at, form, octets, c), z, form + 32 * octets);
				add_times(&total, &block, &scales);
			}
		}
		UNROLL for (i32 k = 0; k < 4; k++) total.q[k] = wasm_f32x4_mul(total.q[k], wasm_f32x4_splat(TWO_56));
		store_rows(y + row, total, rows - row);
	}
}

#define LONG(bits) \
	KERNEL(matvec_planes##bits##_long)(f32 *y, const u8 *x, const u32 *parts, i32 rows, i32 columns, i32 group, i32 thread, i32 threads) { \
		matvec_planes(y, x, parts, rows, columns, bits, group, 64, share_of(ceil_divide(rows, 16), thread, threads)); \
	}

LONG(2)
LONG(3)

#define MATVEC(bits, group, size) \
	KERNEL(matvec_planes##bits##_##group)(f32 *y, const u8 *x, const u32 *parts, i32 rows, i32 columns, i32 thread, i32 threads) { \
		matvec_planes(y, x, parts, rows, columns, bits, group, size, share_of(ceil_divide(rows, 16), thread, threads)); \
	}

MATVEC(2, 32, 32)
MATVEC(2, 64, 64)
MATVEC(2, 128, 64)
MATVEC(3, 32, 32)
MATVEC(3, 64, 64)
MATVEC(3, 128, 64)
