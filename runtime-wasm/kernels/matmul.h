// y[i, j] = sum over l of a[i, l] b[l, j] for strided matrices. Three loops, chosen by the strides: columns of b contiguous (4 rows by
// 8 columns in registers), both contiguous along l (four dot products at a time), and anything else one element at a time.
#pragma once
#include "math.h"

typedef struct {
	i32 y_row, y_column, a_row, a_column, b_row, b_column;
} matmul_strides;

// A tile of `rows` (1 or 4, known at compile time) by 8 columns.
static inline __attribute__((always_inline)) void matmul_tile(i32 rows, f32 *y, const f32 *a, const f32 *b, i32 k, i32 y_row, i32 a_row, i32 a_column, i32 b_row) {
	v128_t zero = wasm_f32x4_splat(0);
	v128_t s00 = zero, s01 = zero, s10 = zero, s11 = zero, s20 = zero, s21 = zero, s30 = zero, s31 = zero;
	for (i32 l = 0; l < k; l++, a += a_column, b += b_row) {
		v128_t b0 = wasm_v128_load(b), b1 = wasm_v128_load(b + 4);
		v128_t w = wasm_v128_load32_splat(a);
		s00 = wasm_f32x4_add(s00, wasm_f32x4_mul(w, b0));
		s01 = wasm_f32x4_add(s01, wasm_f32x4_mul(w, b1));
		if (rows == 1) continue;
		w = wasm_v128_load32_splat(a + a_row);
		s10 = wasm_f32x4_add(s10, wasm_f32x4_mul(w, b0));
		s11 = wasm_f32x4_add(s11, wasm_f32x4_mul(w, b1));
		w = wasm_v128_load32_splat(a + 2 * a_row);
		s20 = wasm_f32x4_add(s20, wasm_f32x4_mul(w, b0));
		s21 = wasm_f32x4_add(s21, wasm_f32x4_mul(w, b1));
		w = wasm_v128_load32_splat(a + 3 * a_row);
		s30 = wasm_f32x4_add(s30, wasm_f32x4_mul(w, b0));
		s31 = wasm_f32x4_add(s31, wasm_f32x4_mul(w, b1));
	}
	wasm_v128_store(y, s00);
	wasm_v128_store(y + 4, s01);
	if (rows == 1) return;
	wasm_v128_store(y + y_row, s10);
	wasm_v128_store(y + y_row + 4, s11);
	wasm_v128_store(y + 2 * y_row, s20);
	wasm_v128_store(y + 2 * y_row + 4, s21);
	wasm_v128_store(y + 3 * y_row, s30);
	wasm_v128_store(y + 3 * y_row + 4, s31);
}

static inline f32 matmul_element(const f32 *a, const f32 *b, i32 k, i32 a_column, i32 b_row) {
	f32 sum = 0;
	for (i32 l = 0; l < k; l++) sum += a[l * a_column] * b[l * b_row];
	return sum;
}

static inline f32 dot_f32(const f32 *a, const f32 *b, i32 k) {
	v128_t s = wasm_f32x4_splat(0), t = s;
	i32 l = 0;
	for (; l + 8 <= k; l += 8) {
		s = wasm_f32x4_add(s, wasm_f32x4_mul(wasm_v128_load(a + l), wasm_v128_load(b + l)));
		t = wasm_f32x4_add(t, wasm_f32x4_mul(wasm_v128_load(a + l + 4), wasm_v128_load(b + l + 4)));
	}
	f32 sum = sum_f32x4(wasm_f32x4_add(s, t));
	for (; l < k; l++) sum += a[l] * b[l];
	return sum;
}

static inline void matmul_strided(f32 *y, const f32 *a, const f32 *b, i32 m, i32 n, i32 k, matmul_strides s) {
	if (s.y_column == 1 && s.b_column == 1) {
		i32 i = 0;
		for (; i < m; i += m - i >= 4 ? 4 : 1) {
			i32 rows = m - i >= 4 ? 4 : 1;
			f32 *yi = y + i * s.y_row;
			const f32 *ai = a + i * s.a_row;
			i32 j = 0;
			if (rows == 4) {
				for (; j + 8 <= n; j += 8) matmul_tile(4, yi + j, ai, b + j, k, s.y_row, s.a_row, s.a_column, s.b_row);
			} else {
				for (; j + 8 <= n; j += 8) matmul_tile(1, yi + j, ai, b + j, k, s.y_row, s.a_row, s.a_column, s.b_row);
			}
			for (; j < n; j++)
				for (i32 r = 0; r < rows; r++) yi[r * s.y_row + j] = matmul_element(ai + r * s.a_row, b + j, k, s.a_column, s.b_row);
		}
		return;
	}
	i32 contiguous = s.a_column == 1 && s.b_row == 1;
	for (i32 i = 0; i < m; i++) {
		for (i32 j = 0; j < n; j++) {
			const f32 *ai = a + i * s.a_row, *bj = b + j * s.b_column;
			y[i * s.y_row + j * s.y_column] = contiguous ? dot_f32(ai, bj, k) : matmul_element(ai, bj, k, s.a_column, s.b_row);
		}
	}
}
