// y[r, c] += bias[c].
#include "math.h"

KERNEL(add_bias_f32)(f32 *y, const f32 *bias, i32 rows, i32 columns) {
	for (i32 r = 0; r < rows; r++, y += columns) {
		i32 c = 0;
		for (; c + 4 <= columns; c += 4) wasm_v128_store(y + c, wasm_f32x4_add(wasm_v128_load(y + c), wasm_v128_load(bias + c)));
		for (; c < columns; c++) y[c] += bias[c];
	}
}
