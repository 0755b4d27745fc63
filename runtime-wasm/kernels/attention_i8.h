// Products of a block of int8 rows with one or two queries, in integers: queries, and weights times the scales of the values, are
// rounded to 16 bits of their largest, finer by far than the rows themselves.
#pragma once
#include "attention.h"

// x as round(x · level / max |x|), where no sum of products with `width` bytes leaves 32 bits. Returns the value of one step.
INLINE f32 quantize_query(i16 *to, const f32 *x, i32 width) {
	f32 level = width <= 512 ? 32767 : (f32)(32767 * 512 / width), top = 0;
	ONE_BY_ONE for (i32 c = 0; c < width; c += 4) top = max_f32x4(wasm_f32x4_pmax(wasm_f32x4_splat(top), wasm_f32x4_abs(load_inputs(x, c, width))));
	v128_t factor = wasm_f32x4_splat(top > 0 ? level / top : 0);
	i32 c = 0;
	ONE_BY_ONE for (; c < width; c += 4) {
		v128_t v = wasm_i32x4_trunc_sat_f32x4(wasm_f32x4_nearest(wasm_f32x4_mul(load_inputs(x, c, width), factor)));
		wasm_v128_store64_lane(to + c, wasm_i16x8_narrow_i32x4(v, v), 0);
	}
	return top / level;
}

// scores[a, j] = q[a] · keys[j] for j < n rounded up to four.
INLINE void products_i8(f32 *scores, const i16 *q, i32 q_row, const i8 *keys, i32 row, i32 n, i32 width, i32 count) {
	ONE_BY_ONE for (i32 j = 0; j < n; j += 4) {
		const i8 *k[4];
		v128_t sum[2][4];
		UNROLL for (i32 i = 0; i < 4; i++) {
			k[i] = keys + least(j + i, n - 1) * row;
			sum[0][i] = sum[1][i] = wasm_i32x4_splat(0);
		}
		i32 c = 0;
		ONE_BY_ONE for (; c + 8 <= width; c += 8) {
			v128_t x[2];
			UNROLL for (i32 a = 0; a < count; a++) x[a] = wasm_v128_load(q + a * q_row + c);
			UNROLL for (i32 i = 0; i < 4; i++) {
				v128_t key = wasm_i16x8_load8x8(k[i] + c);
				UNROLL for (i32 a = 0; a < count; a++) sum[a][i] = wasm_i32x4_add(sum[a][i], wasm_i32x4_dot_i16x8(x[a], key));
			}
		}
		UNROLL for (i32 a = 0; a < count; a++) {
			v128_t *s = sum[a];
			v128_t low = wasm_i32x4_add(wasm_i32x4_shuffle(s[0], s[1], 0, 4, 1, 5), wasm_i32x4_shuffle(s[0], s[1], 2, 6, 3, 7));
			v128_t high = wasm_i32x4_add(wasm_i32x4_shuffle(s[2], s[3], 0, 4, 1, 5), wasm_i32x4_shuffle(s[2], s[3], 2, 6, 3, 7));
			v128_t total = wasm_i32x4_add(wasm_i64x2_shuffle(low, high, 0, 2), wasm_i64x2_shuffle(low, high, 1, 3));
			ONE_BY_ONE for (i32 d = c; d < width; d++)
				total = wasm_i32x4_add(total, wasm_i32x4_mul(wasm_i32x4_splat(q[a * q_row + d]), wasm_i32x4_make(k[0][d], k[1][d], k[2][d], k[3][d])));
			wasm_v128_store(scores + a * KEYS + j, wasm_f32x4_convert_i32x4(total));
		}
	}
}

// Weights times the scales of their rows as 16-bit steps of the block's largest. Returns the value of one step.
INLINE f32 quantize_weights(i16 *to, f32 *weights, const f32 *scales, i32 n) {
	v128_t best = wasm_f32x4_splat(0);
	ONE_BY_ONE for (i32 j = 0; j < n; j += 4) {
		v128_t w = wasm_f32x4_mul(wasm_v128_load(weights + j), load_inputs(scales, j, n));
		wasm_v128_store(weights + j, w);
		best = wasm_f32x4_pmax(best, w);
	}
	f32 top = max_f32x4(best);
	v128_t factor = wasm_f32x4_splat(top > 0 ? 32767 / top : 0);
	ONE_BY_ONE for (i32 j = 0; j < n; j += 4) {
		v128_t w = wasm_i32x4_trunc_sat_f32x4(wasm_f32x4_nearest(wasm_f32x4_mul(wasm_v128_load(weights + j), factor)));
		wasm_v128_store64_lane(to + j, wasm_i16x8_narrow_i32x4(w, w), 0);
	}
	return top * (1.0f / 32767);
}

INLINE void add_scaled(f32 *sums, f32 shrink, v128_t sum, f32 step) {
	v128_t before = wasm_f32x4_mul(wasm_v128_load(sums), wasm_f32x4_splat(shrink));
	wasm_v128_store(sums, wasm_f32x4_add(before, wasm_f32x4_mul(wasm_f32x4_convert_i32x4(sum), wasm_f32x4_splat(step))));
}

// sums[a] = shrink[a]·sums[a] + step[a]·Σ_j weights[a, j]·values[j], two positions at a time; the weight past an odd n is 0.
INLINE void add_values_i8(f32 *sums, const i16 *weights, const f32 *shrink, const f32 *step, const i8 *values, i32 row, i32 n, i32 width, i32 count) {
	i32 c = 0;
	ONE_BY_ONE for (; c + 16 <= width; c += 16) {
		v128_t sum[2][4];
		UNROLL for (i32 i = 0; i < 4; i++) sum[0][i] = sum[1][i] = wasm_i32x4_splat(0);
		ONE_BY_ONE for (i32 j = 0; j < n; j += 2) {
			const i8 *at = values + j * row + c;
			v128_t even = wasm_v128_load(at), odd = wasm_v128_load(j + 1 < n ? at + row : at);
			v128_t low = wasm_i8x16_shuffle(even, odd, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
			v128_t high = wasm_i8x16_shuffle(even, odd, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
			v128_t v[4] = {wasm_i16x8_extend_low_i8x16(low), wasm_i16x8_extend_high_i8x16(low), wasm_i16x8_extend_low_i8x16(high), wasm_i16x8_extend_high_i8x16(high)};
			UNROLL for (i32 a = 0; a < count; a++) {
				v128_t w = wasm_v128_load32_splat(weights + a * KEYS + j);
				UNROLL for (i32 i = 0; i < 4; i++) sum[a][i] = wasm_i32x4_add(sum[a][i], wasm_i32x4_dot_i16x8(w, v[i]));
			}
		}
		UNROLL for (i32 a = 0; a < count; a++)
			UNROLL for (i32 i = 0; i < 4; i++) add_scaled(sums + a * width + c + 4 * i, shrink[a], sum[a][i], step[a]);
	}
	ONE_BY_ONE for (; c + 4 <= width; c += 4) {
		v128_t sum[2] = {wasm_i32x4_splat(0), wasm_i32x4_splat(0)};
		ONE_BY_ONE for (i32 j = 0; j < n; j += 2) {
			const i8 *at = values + j * row + c;
			v128_t even = wasm_v128_load32_zero(at), odd = wasm_v128_load32_zero(j + 1 < n ? at + row : at);
			v128_t v = wasm_i16x8_extend_low_i8x16(wasm_i8x16_shuffle(even, odd, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23));
			UNROLL for (i32 a = 0; a < count; a++) sum[a] = wasm_i32x4_add(sum[a], wasm_i32x4_dot_i16x8(wasm_v128_load32_splat(weights + a * KEYS + j), v));
		}
		UNROLL for (i32 a = 0; a < count; a++) add_scaled(sums + a * width + c, shrink[a], sum[a], step[a]);
	}
	ONE_BY_ONE for (; c < width; c++)
		UNROLL for (i32 a = 0; a < count; a++) {
			i32 sum = 0;
			ONE_BY_ONE for (i32 j = 0; j < n; j++) sum += weights[a * KEYS + j] * values[j * row + c];
			sums[a * width + c] = shrink[a] * sums[a * width + c] + step[a] * (f32)sum;
		}
}
