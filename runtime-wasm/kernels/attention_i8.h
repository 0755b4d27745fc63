// Products of a block of int8 rows with one to three queries, in integers: queries, and weights times the scales of the values, are
// rounded to 16 bits of their largest, finer by far than the rows themselves.
#pragma once
#include "attention.h"
#include "rounding.h"

// Four numbers of less than 2^15 as the nearest 16-bit integers.
INLINE void store_rounded(i16 *to, v128_t x) {
	v128_t v = round_f32x4(x);
	wasm_v128_store64_lane(to, wasm_i16x8_narrow_i32x4(v, v), 0);
}

// x as round(x · level / max |x|), where no sum of products with `width` bytes leaves 32 bits. Returns the value of one step.
INLINE f32 quantize_query(i16 *to, const f32 *x, i32 width) {
	v128_t best = wasm_f32x4_splat(0);
	ONE_BY_ONE for (i32 c = 0; c < width; c += 4) best = wasm_f32x4_pmax(best, wasm_f32x4_abs(load_inputs(x, c, width)));
	f32 level = width <= 512 ? 32767 : (f32)(32767 * 512 / width), top = max_f32x4(best);
	v128_t factor = wasm_f32x4_splat(top > 0 ? level / top : 0);
	ONE_BY_ONE for (i32 c = 0; c < width; c += 4) store_rounded(to + c, wasm_f32x4_mul(load_inputs(x, c, width), factor));
	return top / level;
}

// One step of four keys by `count` queries over eight columns.
INLINE void multiply_bytes(v128_t (*sum)[4], const i16 *q, i32 q_row, const i8 *const *k, i32 c, i32 count) {
	v128_t x[3];
	UNROLL for (i32 a = 0; a < count; a++) x[a] = wasm_v128_load(q + a * q_row + c);
	UNROLL for (i32 i = 0; i < 4; i++) {
		v128_t key = wasm_i16x8_load8x8(k[i] + c);
		UNROLL for (i32 a = 0; a < count; a++) sum[a][i] = wasm_i32x4_add(sum[a][i], wasm_i32x4_dot_i16x8(x[a], key));
	}
}

// scores[a, j] = q[a] · keys[j] for j < n rounded up to four, over the columns in sixteens.
INLINE void products_i8(f32 *scores, const i16 *q, i32 q_row, const i8 *keys, i32 row, i32 n, i32 width, i32 count) {
	ONE_BY_ONE for (i32 j = 0; j < n; j += 4) {
		const i8 *k[4];
		v128_t sum[3][4];
		UNROLL for (i32 i = 0; i < 4; i++) {
			k[i] = keys + least(j + i, n - 1) * row;
			sum[0][i] = sum[1][i] = sum[2][i] = wasm_i32x4_splat(0);
		}
		ONE_BY_ONE for (i32 c = 0; c + 16 <= width; c += 16) {
			multiply_bytes(sum, q, q_row, k, c, count);
			multiply_bytes(sum, q, q_row, k, c + 8, count);
		}
		UNROLL for (i32 a = 0; a < count; a++) {
			v128_t *s = sum[a];
			v128_t low = wasm_i32x4_add(wasm_i32x4_shuffle(s[0], s[1], 0, 4, 1, 5), wasm_i32x4_shuffle(s[0], s[1], 2, 6, 3, 7));
			v128_t high = wasm_i32x4_add(wasm_i32x4_shuffle(s[2], s[3], 0, 4, 1, 5), wasm_i32x4_shuffle(s[2], s[3], 2, 6, 3, 7));
			v128_t total = wasm_i32x4_add(wasm_i64x2_shuffle(low, high, 0, 2), wasm_i64x2_shuffle(low, high, 1, 3));
			wasm_v128_store(scores + a * KEYS + j, wasm_f32x4_convert_i32x4(total));
		}
	}
}

// The columns that products_i8 leaves.
INLINE void add_products_i8(f32 *scores, const i16 *q, const i8 *keys, i32 row, i32 n, i32 width) {
	ONE_BY_ONE for (i32 c = width & -16; c < width; c++)
		ONE_BY_ONE for (i32 j = 0; j < n; j++) scores[j] += (f32)(q[c] * keys[j * row + c]);
}

// Weights times the scales of their rows as 16-bit steps of the block's largest, which the step becomes.
INLINE void quantize_weights(i16 *to, const f32 *weights, State *state, i32 n) {
	v128_t factor = wasm_f32x4_splat(state->step > 0 ? 32767 / state->step : 0);
	ONE_BY_ONE for (i32 j = 0; j < n; j += 4) store_rounded(to + j, wasm_f32x4_mul(wasm_v128_load(weights + j), factor));
	state->step *= 1.0f / 32767;
}

INLINE void add_scaled(f32 *sums, const State *state, v128_t sum) {
	v128_t before = wasm_f32x4_mul(wasm_v128_load(sums), wasm_v128_load32_splat(&state->shrink));
	wasm_v128_store(sums, wasm_f32x4_add(before, wasm_f32x4_mul(wasm_f32x4_convert_i32x4(sum), wasm_v128_load32_splat(&state->step))));
}

// Adds two positions, whose weights lie side by side, over sixteen columns.
INLINE void add_positions(v128_t (*sum)[4], const i16 *weights, v128_t even, v128_t odd, i32 count) {
	v128_t low = wasm_i8x16_shuffle(even, odd, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
	v128_t high = wasm_i8x16_shuffle(even, odd, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
	v128_t v[4] = {wasm_i16x8_extend_low_i8x16(low), wasm_i16x8_extend_high_i8x16(low), wasm_i16x8_extend_low_i8x16(high), wasm_i16x8_extend_high_i8x16(high)};
	UNROLL for (i32 a = 0; a < count; a++) {
		v128_t w = wasm_v128_load32_splat(weights + a * KEYS);
		UNROLL for (i32 i = 0; i < 4; i++) sum[a][i] = wasm_i32x4_add(sum[a][i], wasm_i32x4_dot_i16x8(w, v[i]));
	}
}

// sums[a] = shrink·sums[a] + step·Σ_j weights[a, j]·values[j], over the columns in sixteens, two positions at a
// time; the weight past an odd n is 0.
INLINE void add_values_i8(f32 *sums, const i16 *weights, const State *states, const i8 *values, i32 row, i32 n, i32 width, i32 count) {
	ONE_BY_ONE for (i32 c = 0; c + 16 <= width; c += 16) {
		v128_t sum[3][4];
		UNROLL for (i32 i = 0; i < 4; i++) sum[0][i] = sum[1][i] = sum[2][i] = wasm_i32x4_splat(0);
		const i8 *at = values + c;
		const i16 *w = weights, *end = weights + (n & -2);
		ONE_BY_ONE for (; w < end; w += 2, at += 2 * row) add_positions(sum, w, wasm_v128_load(at), wasm_v128_load(at + row), count);
		if (n & 1) add_positions(sum, w, wasm_v128_load(at), wasm_v128_load(at), count);
		UNROLL for (i32 a = 0; a < count; a++)
			UNROLL for (i32 i = 0; i < 4; i++) add_scaled(sums + a * width + c + 4 * i, states + a, sum[a][i]);
	}
}

// The columns that add_values_i8 leaves.
INLINE void add_rest_i8(f32 *sums, const i16 *weights, const State *state, const i8 *values, i32 row, i32 n, i32 width) {
	ONE_BY_ONE for (i32 c = width & -16; c < width; c++) {
		i32 sum = 0;
		ONE_BY_ONE for (i32 j = 0; j < n; j++) sum += weights[j] * values[j * row + c];
		sums[c] = state->shrink * sums[c] + state->step * (f32)sum;
	}
}
