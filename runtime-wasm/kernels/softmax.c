// Softmax over the last axis: y[r, c] = exp(x[r, c] - max_r) / sum_r. May work in place.
#include "math.h"

KERNEL(softmax_f32)(f32 *y, const f32 *x, i32 rows, i32 columns) {
	for (i32 r = 0; r < rows; r++, x += columns, y += columns) {
		f32 top = -INFINITY_F32;
		for (i32 c = 0; c < columns; c++) top = x[c] > top ? x[c] : top;
		f32 sum = 0;
		i32 c = 0;
		v128_t sums = wasm_f32x4_splat(0), tops = wasm_f32x4_splat(top);
		for (; c + 4 <= columns; c += 4) {
			v128_t e = exp_f32x4(wasm_f32x4_sub(wasm_v128_load(x + c), tops));
			wasm_v128_store(y + c, e);
			sums = wasm_f32x4_add(sums, e);
		}
		sum = sum_f32x4(sums);
		for (; c < columns; c++) sum += y[c] = exp_f32(x[c] - top);
		f32 scale = 1 / sum;
		for (c = 0; c < columns; c++) y[c] *= scale;
	}
}
