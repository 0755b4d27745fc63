// y = W x for dense weights: four rows at a time, in f32.
#include "dense.h"
#include "math.h"

// Eight inputs a step in two sums, so that additions do not wait for each other.
INLINE void dot_rows(f32 *y, const f32 *x, const u32 *parts, i32 half, i32 row, i32 columns, i32 count) {
	const void *w[4];
	v128_t even[4], odd[4];
	UNROLL for (i32 r = 0; r < count; r++) {
		w[r] = dense_row(parts, half, row + r, columns);
		even[r] = odd[r] = wasm_f32x4_splat(0);
	}
	i32 c = 0;
	for (; c + 8 <= columns; c += 8) {
		v128_t a = wasm_v128_load(x + c), b = wasm_v128_load(x + c + 4);
		UNROLL for (i32 r = 0; r < count; r++) {
			even[r] = wasm_f32x4_add(even[r], wasm_f32x4_mul(load_dense(w[r], half, c, c + 4), a));
			odd[r] = wasm_f32x4_add(odd[r], wasm_f32x4_mul(load_dense(w[r], half, c + 4, c + 8), b));
		}
	}
	for (; c < columns; c += 4) {
		v128_t a = load_inputs(x, c, columns);
		UNROLL for (i32 r = 0; r < count; r++) even[r] = wasm_f32x4_add(even[r], wasm_f32x4_mul(load_dense(w[r], half, c, columns), a));
	}
	UNROLL for (i32 r = 0; r < count; r++) y[row + r] = sum_f32x4(wasm_f32x4_add(even[r], odd[r]));
}

INLINE void matvec_dense(f32 *y, const f32 *x, const u32 *parts, i32 rows, i32 columns, i32 half) {
	i32 row = 0;
	for (; row + 4 <= rows; row += 4) dot_rows(y, x, parts, half, row, columns, 4);
	for (; row < rows; row++) dot_rows(y, x, parts, half, row, columns, 1);
}

KERNEL(matvec_dense_f32)(f32 *y, const f32 *x, const u32 *parts, i32 rows, i32 columns) { matvec_dense(y, x, parts, rows, columns, 0); }
KERNEL(matvec_dense_f16)(f32 *y, const f32 *x, const u32 *parts, i32 rows, i32 columns) { matvec_dense(y, x, parts, rows, columns, 1); }
