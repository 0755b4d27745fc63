// y[r, c] += bias[c]. Threads share rows.
#include "math.h"

KERNEL(add_bias_f32)(f32 *y, const f32 *bias, i32 rows, i32 columns, i32 thread, i32 threads) {
	Share share = share_of(rows, thread, threads);
	for (i32 r = share.first; r < share.end; r++) {
		f32 *to = y + r * columns;
		i32 c = 0;
		for (; c + 4 <= columns; c += 4) wasm_v128_store(to + c, wasm_f32x4_add(wasm_v128_load(to + c), wasm_v128_load(bias + c)));
		for (; c < columns; c++) to[c] += bias[c];
	}
}
