// y[i] = row ids[i] of a dense matrix. Threads share ids.
#include "dense.h"

INLINE void row_dense(f32 *y, const i64 *ids, const u32 *parts, i32 count, i32 rows, i32 columns, i32 half, i32 thread, i32 threads) {
	Share share = share_of(count, thread, threads);
	for (i32 i = share.first; i < share.end; i++) {
		i32 id = row_index(ids[i], rows);
		f32 *to = y + i * columns;
		const void *w = dense_block(parts, half, id / BLOCK, columns);
		for (i32 c = 0, at = id % BLOCK; c < columns; c++, at += BLOCK) {
			if (half) to[c] = wasm_f32x4_extract_lane(halfs_to_f32(wasm_i32x4_splat(((const i16 *)w)[at])), 0);
			else to[c] = ((const f32 *)w)[at];
		}
	}
}

KERNEL(row_dense_f32)(f32 *y, const i64 *ids, const u32 *parts, i32 count, i32 rows, i32 columns, i32 thread, i32 threads) {
	row_dense(y, ids, parts, count, rows, columns, 0, thread, threads);
}
KERNEL(row_dense_f16)(f32 *y, const i64 *ids, const u32 *parts, i32 count, i32 rows, i32 columns, i32 thread, i32 threads) {
	row_dense(y, ids, parts, count, rows, columns, 1, thread, threads);
}
