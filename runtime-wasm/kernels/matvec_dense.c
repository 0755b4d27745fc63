// y = W x for dense weights, in f32: each sum runs over the columns in order, as in the tile kernel. Threads share blocks of rows.
#include "dense.h"

// Several blocks at a time, so that additions do not wait for each other.
INLINE void multiply_blocks(f32 *y, const f32 *x, const u32 *parts, i32 half, i32 block, i32 blocks, i32 rows, i32 columns) {
	Eight sums[4];
	const void *w[4];
	UNROLL for (i32 b = 0; b < blocks; b++) {
		sums[b] = (Eight){wasm_f32x4_splat(0), wasm_f32x4_splat(0)};
		w[b] = dense_block(parts, half, block + b, columns);
	}
	ONE_BY_ONE for (i32 c = 0; c < columns; c++) {
		v128_t input = wasm_v128_load32_splat(x + c);
		UNROLL for (i32 b = 0; b < blocks; b++) {
			Eight weights = load_eight(w[b], half, c);
			sums[b].low = madd_f32x4(input, weights.low, sums[b].low);
			sums[b].high = madd_f32x4(input, weights.high, sums[b].high);
		}
	}
	UNROLL for (i32 b = 0; b < blocks; b++) {
		i32 row = (block + b) * BLOCK;
		store_quad(y + row, sums[b].low, rows - row);
		store_quad(y + row + 4, sums[b].high, rows - row - 4);
	}
}

INLINE void matvec_dense(f32 *y, const f32 *x, const u32 *parts, i32 rows, i32 columns, i32 half, i32 thread, i32 threads) {
	Share share = share_of(ceil_divide(rows, BLOCK), thread, threads);
	i32 block = share.first;
	// Halfs take registers to widen.
	i32 step = half ? 2 : 4;
	for (; block + step <= share.end; block += step) multiply_blocks(y, x, parts, half, block, step, rows, columns);
	for (; block < share.end; block++) multiply_blocks(y, x, parts, half, block, 1, rows, columns);
}

KERNEL(matvec_dense_f32)(f32 *y, const f32 *x, const u32 *parts, i32 rows, i32 columns, i32 thread, i32 threads) {
	matvec_dense(y, x, parts, rows, columns, 0, thread, threads);
}
KERNEL(matvec_dense_f16)(f32 *y, const f32 *x, const u32 *parts, i32 rows, i32 columns, i32 thread, i32 threads) {
	matvec_dense(y, x, parts, rows, columns, 1, thread, threads);
}
