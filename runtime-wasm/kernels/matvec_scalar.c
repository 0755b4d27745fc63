// y = W x for 6 to 8 bit integers: exact integer dot products with the int8 form of the input, group by group:
//   y = sum over groups of s (A D - z (A sum a)),  D = sum u a in i32
// A vector of codes is four rows by four columns, so its dot products land in the lanes of four rows. Codes below 128 are the 7-bit
// operand of the relaxed dot product and never saturate it; both variants give equal results.
#include "scalar.h"

#ifdef __wasm_relaxed_simd__
#define RELAXED 1
#define DOT(codes, x, sum) wasm_i32x4_relaxed_dot_i8x16_i7x16_add(x, codes, sum)
#else
#define RELAXED 0
#define DOT(codes, x, sum) (sum)
#endif

// Dot products of 16 rows. In the 16-bit path a row's sum is spread over two lanes, rows 4 q and 4 q + 1 in low[q].
typedef struct {
	v128_t low[4], high[4];
} Dots;

INLINE Rows block_dots(const Slices *s, i32 bits, i32 at, const i8 *x, i32 halves) {
	i32 relaxed = RELAXED && bits < 8;
	Dots d;
	UNROLL for (i32 q = 0; q < 4; q++) d.low[q] = d.high[q] = wasm_i32x4_splat(0);
	for (i32 h = 0; h < halves; h++) {
		Codes codes = load_codes(s, bits, at + h);
		v128_t bytes = wasm_v128_load32_splat(x + 4 * h), words = wasm_i16x8_extend_low_i8x16(bytes);
		UNROLL for (i32 q = 0; q < 4; q++) {
			if (relaxed) {
				d.low[q] = DOT(codes.q[q], bytes, d.low[q]);
			} else {
				d.low[q] = wasm_i32x4_add(d.low[q], wasm_i32x4_dot_i16x8(wasm_u16x8_extend_low_u8x16(codes.q[q]), words));
				d.high[q] = wasm_i32x4_add(d.high[q], wasm_i32x4_dot_i16x8(wasm_u16x8_extend_high_u8x16(codes.q[q]), words));
			}
		}
	}
	Rows r;
	UNROLL for (i32 q = 0; q < 4; q++) {
		v128_t sum = relaxed ? d.low[q] : wasm_i32x4_add(wasm_i32x4_shuffle(d.low[q], d.high[q], 0, 2, 4, 6), wasm_i32x4_shuffle(d.low[q], d.high[q], 1, 3, 5, 7));
		r.q[q] = wasm_f32x4_convert_i32x4(sum);
	}
	return r;
}

INLINE void matvec_scalar(f32 *y, const i8 *x, const u32 *parts, i32 rows, i32 columns, i32 bits, i32 group, i32 size) {
	i32 groups = ceil_divide(columns, group), halves = size / 4, at = 0;
	Slices s = slices_of(parts, bits);
	for (i32 row = 0; row < rows; row += 16) {
		Rows total = zero_rows();
		const i8 *form = x;
		for (i32 g = 0; g < groups; g++, s.scales += 16, s.zeros += 16) {
			Rows zeros = rows_from_u8(wasm_v128_load(s.zeros)), scales = load_scales(s.scales), sum = zero_rows();
			ONE_BY_ONE for (i32 b = 0; b < group / size; b++, at += halves, form += size + 16) {
				Rows dots = block_dots(&s, bits, at, form, halves);
				v128_t unit = wasm_v128_load32_splat(form + size), inputs = wasm_v128_load32_splat(form + size + 4);
				UNROLL for (i32 q = 0; q < 4; q++) {
					sum.q[q] = wasm_f32x4_add(sum.q[q], wasm_f32x4_sub(wasm_f32x4_mul(dots.q[q], unit), wasm_f32x4_mul(zeros.q[q], inputs)));
				}
			}
			UNROLL for (i32 q = 0; q < 4; q++) total.q[q] = wasm_f32x4_add(total.q[q], wasm_f32x4_mul(sum.q[q], scales.q[q]));
		}
		UNROLL for (i32 q = 0; q < 4; q++) total.q[q] = wasm_f32x4_mul(total.q[q], wasm_f32x4_splat(TWO_56));
		store_rows(y + row, total, rows - row);
	}
}

#define MATVEC(bits, group, size) \
	KERNEL(matvec_scalar##bits##_##group)(f32 *y, const i8 *x, const u32 *parts, i32 rows, i32 columns) { \
		matvec_scalar(y, x, parts, rows, columns, bits, group, size); \
	}

MATVEC(6, 32, 32)
MATVEC(6, 64, 64)
MATVEC(6, 128, 64)
MATVEC(7, 32, 32)
MATVEC(7, 64, 64)
MATVEC(7, 128, 64)
MATVEC(8, 32, 32)
MATVEC(8, 64, 64)
MATVEC(8, 128, 64)
