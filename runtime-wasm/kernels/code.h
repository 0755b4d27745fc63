// What the kernels of integer codes share: rows in blocks of 16, f16 scales, results of 16 rows.
//
// A scale h is a positive normal half: the f32 with bits h << 13 is its value times 2^-112. Input forms carry a factor 2^56, so sums
// stay normal numbers, and a block of rows multiplies the other 2^56 in once, at its end.
#pragma once
#include "kernel.h"

// Loop bounds of these functions are constants only once they are inlined.
#define INLINE static inline __attribute__((always_inline))
#define TWO_56 0x1p56f
#define TWO_112 0x1p112f

// Computes `v` here, and loads nothing earlier than here: the compiler is free to reorder sums of integers, and loads.
#define KEEP(v) __asm__ volatile("" : "+r"(v))
#define IN_ORDER __asm__ volatile("" ::: "memory")

// Values of 16 rows, four in a vector.
typedef struct {
	v128_t q[4];
} Rows;

INLINE i32 ceil_divide(i32 a, i32 b) { return (a + b - 1) / b; }

// Blocks of an input form: those of 64 are padded to an even number, so that groups of 64 and 128 read the same form.
INLINE i32 blocks_of(i32 columns, i32 size) { return size < 64 ? ceil_divide(columns, size) : 2 * ceil_divide(columns, 128); }

// A row's number from an id, which counts from the end where it is negative.
INLINE i32 row_index(i64 id, i32 rows) {
	if (id < 0) id += rows;
	check(id >= 0 && id < rows);
	return (i32)id;
}

INLINE Rows zero_rows(void) {
	v128_t z = wasm_f32x4_splat(0);
	return (Rows){{z, z, z, z}};
}

// total += block * scales
INLINE void add_times(Rows *total, const Rows *block, const Rows *scales) {
	UNROLL for (i32 q = 0; q < 4; q++) total->q[q] = wasm_f32x4_add(total->q[q], wasm_f32x4_mul(block->q[q], scales->q[q]));
}

// 16 halfs to f32, times 2^-112.
INLINE Rows load_scales(const u16 *h) {
	v128_t a = wasm_v128_load(h), b = wasm_v128_load(h + 8);
	return (Rows){{
		wasm_i32x4_shl(wasm_u32x4_extend_low_u16x8(a), 13),
		wasm_i32x4_shl(wasm_u32x4_extend_high_u16x8(a), 13),
		wasm_i32x4_shl(wasm_u32x4_extend_low_u16x8(b), 13),
		wasm_i32x4_shl(wasm_u32x4_extend_high_u16x8(b), 13),
	}};
}

INLINE Rows rows_from_i16(v128_t low, v128_t high) {
	return (Rows){{
		wasm_f32x4_convert_i32x4(wasm_i32x4_extend_low_i16x8(low)),
		wasm_f32x4_convert_i32x4(wasm_i32x4_extend_high_i16x8(low)),
		wasm_f32x4_convert_i32x4(wasm_i32x4_extend_low_i16x8(high)),
		wasm_f32x4_convert_i32x4(wasm_i32x4_extend_high_i16x8(high)),
	}};
}

INLINE Rows rows_from_u8(v128_t bytes) { return rows_from_i16(wasm_u16x8_extend_low_u8x16(bytes), wasm_u16x8_extend_high_u8x16(bytes)); }

INLINE f32 scale_of(u16 h) {
	union {
		u32 bits;
		f32 value;
	} u = {(u32)h << 13};
	return u.value * TWO_112;
}

INLINE void store_quad(f32 *y, v128_t v, i32 count) {
	if (count >= 4) {
		wasm_v128_store(y, v);
		return;
	}
	if (count > 0) y[0] = wasm_f32x4_extract_lane(v, 0);
	if (count > 1) y[1] = wasm_f32x4_extract_lane(v, 1);
	if (count > 2) y[2] = wasm_f32x4_extract_lane(v, 2);
}

// The first `count` of 16 values (count may be larger).
INLINE void store_rows(f32 *y, Rows v, i32 count) {
	store_quad(y, v.q[0], count);
	store_quad(y + 4, v.q[1], count - 4);
	store_quad(y + 8, v.q[2], count - 8);
	store_quad(y + 12, v.q[3], count - 12);
}

// Four inputs; zero past the end.
INLINE v128_t load_inputs(const f32 *x, i32 at, i32 columns) {
	if (at + 4 <= columns) return wasm_v128_load(x + at);
	return wasm_f32x4_make(at < columns ? x[at] : 0, at + 1 < columns ? x[at + 1] : 0, at + 2 < columns ? x[at + 2] : 0, 0);
}

// Of a block of rows, `count` of which exist, the quad from row `at` on, plus its bias, if there is one.
INLINE void store_biased(f32 *y, v128_t v, const f32 *bias, i32 at, i32 count) {
	if (bias && at < count) v = wasm_f32x4_add(v, load_inputs(bias, at, count));
	store_quad(y + at, v, count - at);
}
