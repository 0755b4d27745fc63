// y = W x for weights in block floating point and a vector in f32, whose products are f32. Threads share blocks of rows.
#include "bfp.h"

KERNEL(matvec_bfp)(f32 *y, const f32 *x, const u32 *parts, i32 rows, i32 columns, i32 thread, i32 threads) {
	Share share = share_of(ceil_divide(rows, BFP_ROWS), thread, threads);
	for (i32 block = share.first; block < share.end; block++) {
		Bfp w = bfp_of(parts, block, columns);
		v128_t total[2] = {wasm_f32x4_splat(0), wasm_f32x4_splat(0)};
		for (i32 b = 0; b < w.blocks; b++, w.units += BFP_ROWS) {
			v128_t sums[2] = {wasm_f32x4_splat(0), wasm_f32x4_splat(0)};
			for (i32 c = BFP_BLOCK * b; c < BFP_BLOCK * (b + 1); c += 2, w.codes += 4 * BFP_ROWS) {
				v128_t even = wasm_f32x4_splat(c < columns ? x[c] : 0), odd = wasm_f32x4_splat(c + 1 < columns ? x[c + 1] : 0);
				UNROLL for (i32 q = 0; q < 2; q++) {
					v128_t pairs = wasm_v128_load(w.codes + 16 * q);
					v128_t first = wasm_f32x4_convert_i32x4(wasm_i32x4_shr(wasm_i32x4_shl(pairs, 16), 16)), second = wasm_f32x4_convert_i32x4(wasm_i32x4_shr(pairs, 16));
					sums[q] = wasm_f32x4_add(sums[q], wasm_f32x4_add(wasm_f32x4_mul(first, even), wasm_f32x4_mul(second, odd)));
				}
			}
			UNROLL for (i32 q = 0; q < 2; q++) total[q] = wasm_f32x4_add(total[q], wasm_f32x4_mul(sums[q], wasm_v128_load(w.units + 4 * q)));
		}
		i32 row = BFP_ROWS * block;
		store_quad(y + row, total[0], rows - row);
		store_quad(y + row + 4, total[1], rows - row - 4);
	}
}
