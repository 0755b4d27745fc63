// y[i] = row ids[i] of a matrix in block floating point. Threads share ids.
#include "bfp.h"

KERNEL(row_bfp)(f32 *y, const i64 *ids, const u32 *parts, i32 count, i32 rows, i32 columns, i32 thread, i32 threads) {
	Share share = share_of(count, thread, threads);
	for (i32 i = share.first; i < share.end; i++) {
		i32 id = row_index(ids[i], rows);
		Bfp w = bfp_of(parts, id / BFP_ROWS, columns);
		f32 *to = y + i * columns;
		for (i32 c = 0; c < columns; c++) {
			i32 at = (c / 2 * BFP_ROWS + id % BFP_ROWS) * 2 + c % 2;
			to[c] = (f32)((const i16 *)w.codes)[at] * w.units[c / BFP_BLOCK * BFP_ROWS + id % BFP_ROWS];
		}
	}
}
