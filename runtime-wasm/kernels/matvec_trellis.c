// y = W x for trellis codes: exact integer dot products with inputs of 16 bits, block by block of 64 columns. Eight rows at a time, whose
// sums fit the registers; eight columns side by side.
#include "share.h"
#include "trellis.h"

// Of 8 inputs and 8 rows.
typedef struct {
	v128_t of[8];
} Eight;

INLINE Eight no_sums(void) {
	Eight e;
	UNROLL for (i32 r = 0; r < 8; r++) e.of[r] = wasm_i32x4_splat(0);
	return e;
}

// The integer sums of the rows 8 `half` to 8 `half` + 7 over one block.
INLINE Eight dots_of(const u8 *codes, i32 octets, i32 halves, i32 first, i32 half, const u8 *x) {
	Eight sums = no_sums();
	ONE_BY_ONE for (i32 octet = 0; octet < 8; octet++, codes += 8 * halves, x += 16) {
		Words words = load_words(codes, octets, halves, first);
		v128_t inputs = wasm_v128_load(x);
		UNROLL for (i32 r = 0; r < 8; r++) {
			sums.of[r] = wasm_i32x4_add(sums.of[r], wasm_i32x4_dot_i16x8(values_of(&words, halves, 8 * half + r), inputs));
			KEEP(sums.of[r]);
		}
		IN_ORDER;
	}
	return sums;
}

// The sums of the lanes of four vectors.
INLINE v128_t across(v128_t a, v128_t b, v128_t c, v128_t d) {
	v128_t ab = wasm_f32x4_add(wasm_i32x4_shuffle(a, b, 0, 4, 1, 5), wasm_i32x4_shuffle(a, b, 2, 6, 3, 7));
	v128_t cd = wasm_f32x4_add(wasm_i32x4_shuffle(c, d, 0, 4, 1, 5), wasm_i32x4_shuffle(c, d, 2, 6, 3, 7));
	return wasm_f32x4_add(wasm_i64x2_shuffle(ab, cd, 0, 2), wasm_i64x2_shuffle(ab, cd, 1, 3));
}

INLINE void matvec_trellis(f32 *y, const u8 *x, const u32 *parts, i32 rows, i32 columns, i32 halves, Share blocks) {
	Trellis w = trellis_of(parts, rows, columns);
	ONE_BY_ONE for (i32 block = blocks.first; block < blocks.end; block++) {
		Rows scales = trellis_scales(w.scales + 16 * block);
		UNROLL for (i32 half = 0; half < 2; half++) {
			const u8 *codes = w.codes + 8 * halves * w.octets * block;
			const u8 *form = x;
			Eight total = no_sums();
			ONE_BY_ONE for (i32 b = 0; b < w.octets; b += 8, codes += 64 * halves, form += 144) {
				Eight sums = dots_of(codes, w.octets, halves, block % w.segment == 0, half, form);
				v128_t unit = wasm_v128_load32_splat(form + 128);
				UNROLL for (i32 r = 0; r < 8; r++) total.of[r] = wasm_f32x4_add(total.of[r], wasm_f32x4_mul(unit, wasm_f32x4_convert_i32x4(sums.of[r])));
			}
			UNROLL for (i32 q = 0; q < 2; q++) {
				v128_t sum = across(total.of[4 * q], total.of[4 * q + 1], total.of[4 * q + 2], total.of[4 * q + 3]);
				sum = wasm_f32x4_mul(wasm_f32x4_mul(sum, scales.q[2 * half + q]), wasm_f32x4_splat(TWO_56 / UNITS));
				i32 row = 16 * block + 8 * half + 4 * q;
				store_quad(y + row, sum, rows - row);
			}
		}
	}
}

#define MATVEC(name, halves) \
	KERNEL(matvec_trellis##name)(f32 *y, const u8 *x, const u32 *parts, i32 rows, i32 columns, i32 thread, i32 threads) { \
		matvec_trellis(y, x, parts, rows, columns, halves, share_of(ceil_divide(rows, 16), thread, threads)); \
	}

EACH_TRELLIS(MATVEC)
