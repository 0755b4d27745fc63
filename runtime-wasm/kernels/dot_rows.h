// Dot products of a few rows with one, which is read once for all.
#pragma once
#include "code.h"
#include "math.h"

// Rows at once.
#define MOST_DOTS 4

typedef struct {
	f32 of[MOST_DOTS];
} Dots;

// Of `rows` (known at compile time) rows a, `stride` apart, each with b.
INLINE Dots dot_rows(const f32 *a, const f32 *b, i32 rows, i32 stride, i32 n) {
	v128_t even[MOST_DOTS], odd[MOST_DOTS];
	UNROLL for (i32 r = 0; r < rows; r++) even[r] = odd[r] = wasm_f32x4_splat(0);
	i32 i = 0;
	ONE_BY_ONE for (; i + 8 <= n; i += 8) {
		v128_t low = wasm_v128_load(b + i), high = wasm_v128_load(b + i + 4);
		UNROLL for (i32 r = 0; r < rows; r++) {
			even[r] = muladd_f32x4(wasm_v128_load(a + r * stride + i), low, even[r]);
			odd[r] = muladd_f32x4(wasm_v128_load(a + r * stride + i + 4), high, odd[r]);
		}
	}
	Dots dots;
	UNROLL for (i32 r = 0; r < rows; r++) dots.of[r] = sum_f32x4(wasm_f32x4_add(even[r], odd[r]));
	for (; i < n; i++)
		UNROLL for (i32 r = 0; r < rows; r++) dots.of[r] += a[r * stride + i] * b[i];
	return dots;
}
