// Softmax and its logarithm over the last axis, rows x columns: y = exp(x - max) / sum, and y = x - max - log sum. May work in place.
// Threads share rows.
#include "math.h"

KERNEL(softmax_f32)(f32 *y, const f32 *x, i32 rows, i32 columns, i32 thread, i32 threads) {
	Share share = share_of(rows, thread, threads);
	x += share.first * columns, y += share.first * columns;
	for (i32 r = share.first; r < share.end; r++, x += columns, y += columns) {
		f32 top = largest_f32(x, columns);
		i32 c = 0;
		v128_t sums = wasm_f32x4_splat(0), tops = wasm_f32x4_splat(top);
		for (; c + 4 <= columns; c += 4) {
			v128_t e = exp_f32x4(wasm_f32x4_sub(wasm_v128_load(x + c), tops));
			wasm_v128_store(y + c, e);
			sums = wasm_f32x4_add(sums, e);
		}
		f32 sum = sum_f32x4(sums);
		for (; c < columns; c++) sum += y[c] = exp_f32(x[c] - top);
		f32 scale = 1 / sum;
		for (c = 0; c < columns; c++) y[c] *= scale;
	}
}

KERNEL(log_softmax_f32)(f32 *y, const f32 *x, i32 rows, i32 columns, i32 thread, i32 threads) {
	Share share = share_of(rows, thread, threads);
	x += share.first * columns, y += share.first * columns;
	for (i32 r = share.first; r < share.end; r++, x += columns, y += columns) {
		f32 top = largest_f32(x, columns);
		i32 c = 0;
		v128_t sums = wasm_f32x4_splat(0), tops = wasm_f32x4_splat(top);
		for (; c + 4 <= columns; c += 4) sums = wasm_f32x4_add(sums, exp_f32x4(wasm_f32x4_sub(wasm_v128_load(x + c), tops)));
		f32 sum = sum_f32x4(sums);
		for (; c < columns; c++) sum += exp_f32(x[c] - top);
		f32 log = log_f32(sum);
		for (c = 0; c < columns; c++) y[c] = x[c] - top - log;
	}
}
