// Rounds weights to the nearest of 16 levels, group by group, with the scale of least squared error; packs as `levels.h` says.
//
// Scales tried: the largest magnitude, so that levels of a file come out as they went in, and 0.70 to 1.16 of it; then a least-squares
// refit to the best codes. A scale is a positive normal f16, rounded before codes are chosen.
#include "levels.h"
#include "math.h"
#include "scale.h"

typedef struct {
	f32 scale, error;
} Fit;

// Codes of four weights in units of the scale, and the levels that they mean.
typedef struct {
	v128_t code, level;
} Nearest;

INLINE Nearest nearest(v128_t v, const f32 *levels) {
	Nearest n = {wasm_i32x4_splat(0), wasm_v128_load32_splat(levels)};
	UNROLL for (i32 k = 1; k < 16; k++) {
		v128_t above = wasm_f32x4_gt(v, wasm_f32x4_splat((levels[k - 1] + levels[k]) / 2));
		n.code = wasm_i32x4_sub(n.code, above);
		n.level = wasm_v128_bitselect(wasm_v128_load32_splat(levels + k), n.level, above);
	}
	return n;
}

INLINE Fit try_scale(Fit best, const f32 *w, i32 group, f32 scale, const f32 *levels) {
	scale = scale_of(half_of(scale));
	v128_t s = wasm_f32x4_splat(scale), inverse = wasm_f32x4_splat(1 / scale), sum = wasm_f32x4_splat(0);
	for (i32 i = 0; i < group; i += 4) {
		v128_t a = wasm_v128_load(w + i), d = wasm_f32x4_sub(wasm_f32x4_mul(nearest(wasm_f32x4_mul(a, inverse), levels).level, s), a);
		sum = wasm_f32x4_add(sum, wasm_f32x4_mul(d, d));
	}
	f32 error = sum_f32x4(sum);
	return error < best.error ? (Fit){scale, error} : best;
}

INLINE Fit fit_group(const f32 *w, i32 group, const f32 *levels) {
	v128_t top = wasm_f32x4_splat(0);
	for (i32 i = 0; i < group; i += 4) top = wasm_f32x4_max(top, wasm_f32x4_abs(wasm_v128_load(w + i)));
	f32 largest = max_f32x4(top);
	Fit best = try_scale((Fit){LEAST_HALF, __builtin_inff()}, w, group, largest, levels);
	for (i32 k = 35; k <= 58; k++) best = try_scale(best, w, group, largest * (f32)k / 50, levels);
	v128_t inverse = wasm_f32x4_splat(1 / best.scale), products = wasm_f32x4_splat(0), squares = products;
	for (i32 i = 0; i < group; i += 4) {
		v128_t a = wasm_v128_load(w + i), level = nearest(wasm_f32x4_mul(a, inverse), levels).level;
		products = wasm_f32x4_add(products, wasm_f32x4_mul(level, a));
		squares = wasm_f32x4_add(squares, wasm_f32x4_mul(level, level));
	}
	f32 energy = sum_f32x4(squares);
	return energy > 0 ? try_scale(best, w, group, sum_f32x4(products) / energy, levels) : best;
}

// `columns` is a multiple of `group`, `rows` of 16.
KERNEL(encode_levels)(u8 *codes, u16 *scales, const f32 *w, const f32 *levels, i32 rows, i32 columns, i32 group) {
	i32 groups = columns / group;
	__builtin_memset(codes, 0, rows * columns / 2);
	for (i32 row = 0; row < rows; row++) {
		u8 *out = codes + (row >> 4) * 8 * columns + 2 * (row & 7);
		i32 shift = row & 8 ? 4 : 0;
		for (i32 g = 0; g < groups; g++, w += group) {
			Fit fit = fit_group(w, group, levels);
			scales[((row >> 4) * groups + g) * 16 + (row & 15)] = half_of(fit.scale);
			v128_t inverse = wasm_f32x4_splat(1 / fit.scale);
			for (i32 i = 0; i < group; i += 4, out += 32) {
				v128_t code = wasm_i32x4_shl(nearest(wasm_f32x4_mul(wasm_v128_load(w + i), inverse), levels).code, (u32)shift);
				out[0] |= (u8)wasm_i32x4_extract_lane(code, 0);
				out[1] |= (u8)wasm_i32x4_extract_lane(code, 1);
				out[16] |= (u8)wasm_i32x4_extract_lane(code, 2);
				out[17] |= (u8)wasm_i32x4_extract_lane(code, 3);
			}
		}
	}
}
