// Products of a block of f32 rows with one or two queries: scores from keys, sums from values.
#pragma once
#include "attention.h"

// Four sums in the lanes of four vectors become the lanes of one.
INLINE v128_t total_f32x4(const v128_t *sum) {
	v128_t a = wasm_f32x4_add(wasm_i32x4_shuffle(sum[0], sum[1], 0, 4, 1, 5), wasm_i32x4_shuffle(sum[0], sum[1], 2, 6, 3, 7));
	v128_t b = wasm_f32x4_add(wasm_i32x4_shuffle(sum[2], sum[3], 0, 4, 1, 5), wasm_i32x4_shuffle(sum[2], sum[3], 2, 6, 3, 7));
	return wasm_f32x4_add(wasm_i64x2_shuffle(a, b, 0, 2), wasm_i64x2_shuffle(a, b, 1, 3));
}

// scores[a, j] = q[a] · keys[j] for j < n rounded up to four. Four keys by two queries: 8 sums, 2 queries and 1 key stay in registers.
INLINE void products_f32(f32 *scores, const f32 *const *q, const f32 *keys, i32 row, i32 n, i32 width, i32 count) {
	ONE_BY_ONE for (i32 j = 0; j < n; j += 4) {
		const f32 *k[4];
		v128_t sum[2][4];
		UNROLL for (i32 i = 0; i < 4; i++) {
			k[i] = keys + least(j + i, n - 1) * row;
			sum[0][i] = sum[1][i] = wasm_f32x4_splat(0);
		}
		i32 c = 0;
		ONE_BY_ONE for (; c + 4 <= width; c += 4) {
			v128_t x[2];
			UNROLL for (i32 a = 0; a < count; a++) x[a] = wasm_v128_load(q[a] + c);
			UNROLL for (i32 i = 0; i < 4; i++) {
				v128_t key = wasm_v128_load(k[i] + c);
				UNROLL for (i32 a = 0; a < count; a++) sum[a][i] = wasm_f32x4_add(sum[a][i], wasm_f32x4_mul(x[a], key));
			}
		}
		UNROLL for (i32 a = 0; a < count; a++) {
			v128_t total = total_f32x4(sum[a]);
			ONE_BY_ONE for (i32 d = c; d < width; d++)
				total = wasm_f32x4_add(total, wasm_f32x4_mul(wasm_f32x4_splat(q[a][d]), wasm_f32x4_make(k[0][d], k[1][d], k[2][d], k[3][d])));
			wasm_v128_store(scores + a * KEYS + j, total);
		}
	}
}

// 4·quads columns of sums[a] = shrink[a]·sums[a] + Σ_j weights[a, j]·values[j].
INLINE void add_columns_f32(f32 *sums, i32 sums_row, const f32 *weights, const f32 *shrink, const f32 *values, i32 row, i32 n, i32 count, i32 quads) {
	v128_t sum[2][4];
	UNROLL for (i32 a = 0; a < count; a++)
		UNROLL for (i32 i = 0; i < quads; i++) sum[a][i] = wasm_f32x4_mul(wasm_f32x4_splat(shrink[a]), wasm_v128_load(sums + a * sums_row + 4 * i));
	ONE_BY_ONE for (i32 j = 0; j < n; j++, values += row) {
		v128_t w[2];
		UNROLL for (i32 a = 0; a < count; a++) w[a] = wasm_v128_load32_splat(weights + a * KEYS + j);
		UNROLL for (i32 i = 0; i < quads; i++) {
			v128_t value = wasm_v128_load(values + 4 * i);
			UNROLL for (i32 a = 0; a < count; a++) sum[a][i] = wasm_f32x4_add(sum[a][i], wasm_f32x4_mul(w[a], value));
		}
	}
	UNROLL for (i32 a = 0; a < count; a++)
		UNROLL for (i32 i = 0; i < quads; i++) wasm_v128_store(sums + a * sums_row + 4 * i, sum[a][i]);
}

INLINE void add_values_f32(f32 *sums, const f32 *weights, const f32 *shrink, const f32 *values, i32 row, i32 n, i32 width, i32 count) {
	i32 c = 0;
	ONE_BY_ONE for (; c + 16 <= width; c += 16) add_columns_f32(sums + c, width, weights, shrink, values + c, row, n, count, 4);
	ONE_BY_ONE for (; c + 4 <= width; c += 4) add_columns_f32(sums + c, width, weights, shrink, values + c, row, n, count, 1);
	ONE_BY_ONE for (; c < width; c++)
		UNROLL for (i32 a = 0; a < count; a++) {
			f32 sum = shrink[a] * sums[a * width + c];
			ONE_BY_ONE for (i32 j = 0; j < n; j++) sum += weights[a * KEYS + j] * values[j * row + c];
			sums[a * width + c] = sum;
		}
}

// n rows of halfs, `row` apart, as f32 without gaps.
INLINE void widen_rows(f32 *to, const u16 *from, i32 row, i32 n, i32 width) {
	ONE_BY_ONE for (i32 j = 0; j < n; j++, from += row, to += width) {
		i32 c = 0;
		ONE_BY_ONE for (; c + 4 <= width; c += 4) wasm_v128_store(to + c, f32x4_from_f16(wasm_u32x4_load16x4(from + c)));
		ONE_BY_ONE for (; c < width; c++) to[c] = f32_from_f16(from[c]);
	}
}
