// Products of a block of f32 rows with one or two queries: scores from keys, sums from values.
#pragma once
#include "attention.h"

// Rounded twice in both variants of a program: a last bit more would now and then round an integer form of what follows the other way,
// and the variants of a quantised model would no longer agree.
INLINE v128_t add_product(v128_t a, v128_t b, v128_t sum) { return wasm_f32x4_add(sum, wasm_f32x4_mul(a, b)); }

// Four sums in the lanes of four vectors become the lanes of one.
INLINE v128_t total_f32x4(const v128_t *sum) {
	v128_t a = wasm_f32x4_add(wasm_i32x4_shuffle(sum[0], sum[1], 0, 4, 1, 5), wasm_i32x4_shuffle(sum[0], sum[1], 2, 6, 3, 7));
	v128_t b = wasm_f32x4_add(wasm_i32x4_shuffle(sum[2], sum[3], 0, 4, 1, 5), wasm_i32x4_shuffle(sum[2], sum[3], 2, 6, 3, 7));
	return wasm_f32x4_add(wasm_i64x2_shuffle(a, b, 0, 2), wasm_i64x2_shuffle(a, b, 1, 3));
}

// One step of four keys by `count` queries over four columns.
INLINE void multiply_quads(v128_t (*sum)[4], const f32 *const *q, const f32 *const *k, i32 c, i32 count) {
	v128_t x[2];
	UNROLL for (i32 a = 0; a < count; a++) x[a] = wasm_v128_load(q[a] + c);
	UNROLL for (i32 i = 0; i < 4; i++) {
		v128_t key = wasm_v128_load(k[i] + c);
		UNROLL for (i32 a = 0; a < count; a++) sum[a][i] = add_product(x[a], key, sum[a][i]);
	}
}

// scores[a, j] = q[a] · keys[j] for j < n rounded up to four, over the columns in eights. Four keys by two queries: 8 sums, 2 queries
// and 1 key stay in registers.
INLINE void products_f32(f32 *scores, const f32 *q0, const f32 *q1, const f32 *keys, i32 row, i32 n, i32 width, i32 count) {
	const f32 *q[2] = {q0, q1};
	ONE_BY_ONE for (i32 j = 0; j < n; j += 4) {
		const f32 *k[4];
		v128_t sum[2][4];
		UNROLL for (i32 i = 0; i < 4; i++) {
			k[i] = keys + least(j + i, n - 1) * row;
			sum[0][i] = sum[1][i] = wasm_f32x4_splat(0);
		}
		ONE_BY_ONE for (i32 c = 0; c + 8 <= width; c += 8) {
			multiply_quads(sum, q, k, c, count);
			multiply_quads(sum, q, k, c + 4, count);
		}
		UNROLL for (i32 a = 0; a < count; a++) wasm_v128_store(scores + a * KEYS + j, total_f32x4(sum[a]));
	}
}

// The columns that products_f32 leaves.
INLINE void add_products_f32(f32 *scores, const f32 *q, const f32 *keys, i32 row, i32 n, i32 width) {
	ONE_BY_ONE for (i32 c = width & -8; c < width; c++)
		ONE_BY_ONE for (i32 j = 0; j < n; j++) scores[j] += q[c] * keys[j * row + c];
}

// sums[a] = shrink·sums[a] + Σ_j weights[a, j]·values[j], over the columns in sixteens.
INLINE void add_values_f32(f32 *sums, const f32 *weights, const State *states, const f32 *values, i32 row, i32 n, i32 width, i32 count) {
	ONE_BY_ONE for (i32 c = 0; c + 16 <= width; c += 16) {
		v128_t sum[2][4];
		UNROLL for (i32 a = 0; a < count; a++)
			UNROLL for (i32 i = 0; i < 4; i++) sum[a][i] = wasm_f32x4_mul(wasm_v128_load32_splat(&states[a].shrink), wasm_v128_load(sums + a * width + c + 4 * i));
		const f32 *at = values + c;
		ONE_BY_ONE for (i32 j = 0; j < n; j++, at += row) {
			v128_t w[2];
			UNROLL for (i32 a = 0; a < count; a++) w[a] = wasm_v128_load32_splat(weights + a * KEYS + j);
			UNROLL for (i32 i = 0; i < 4; i++) {
				v128_t value = wasm_v128_load(at + 4 * i);
				UNROLL for (i32 a = 0; a < count; a++) sum[a][i] = add_product(w[a], value, sum[a][i]);
			}
		}
		UNROLL for (i32 a = 0; a < count; a++)
			UNROLL for (i32 i = 0; i < 4; i++) wasm_v128_store(sums + a * width + c + 4 * i, sum[a][i]);
	}
}

// The columns that add_values_f32 leaves.
INLINE void add_rest_f32(f32 *sums, const f32 *weights, const State *state, const f32 *values, i32 row, i32 n, i32 width) {
	i32 c = width & -16;
	ONE_BY_ONE for (; c + 4 <= width; c += 4) {
		v128_t sum = wasm_f32x4_mul(wasm_v128_load32_splat(&state->shrink), wasm_v128_load(sums + c));
		ONE_BY_ONE for (i32 j = 0; j < n; j++) sum = add_product(wasm_v128_load32_splat(weights + j), wasm_v128_load(values + j * row + c), sum);
		wasm_v128_store(sums + c, sum);
	}
	ONE_BY_ONE for (; c < width; c++) {
		f32 sum = state->shrink * sums[c];
		ONE_BY_ONE for (i32 j = 0; j < n; j++) sum += weights[j] * values[j * row + c];
		sums[c] = sum;
	}
}

// n rows of halfs, `row` apart, as f32 without gaps.
INLINE void widen_rows(f32 *to, const u16 *from, i32 row, i32 n, i32 width) {
	ONE_BY_ONE for (i32 j = 0; j < n; j++, from += row, to += width) {
		i32 c = 0;
		ONE_BY_ONE for (; c + 4 <= width; c += 4) wasm_v128_store(to + c, f32x4_from_f16(wasm_i32x4_load16x4(from + c)));
		ONE_BY_ONE for (; c < width; c++) to[c] = f32_from_f16(from[c]);
	}
}
