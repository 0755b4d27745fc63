// y[i] = row ids[i] of a dense matrix.
#include "dense.h"

INLINE void row_dense(f32 *y, const i64 *ids, const u32 *parts, i32 count, i32 rows, i32 columns, i32 half) {
	for (i32 i = 0; i < count; i++, y += columns) {
		i32 id = row_index(ids[i], rows);
		const void *w = dense_row(parts, half, id, columns);
		for (i32 c = 0; c < columns; c += 4) store_quad(y + c, load_dense(w, half, c, columns), columns - c);
	}
}

KERNEL(row_dense_f32)(f32 *y, const i64 *ids, const u32 *parts, i32 count, i32 rows, i32 columns) { row_dense(y, ids, parts, count, rows, columns, 0); }
KERNEL(row_dense_f16)(f32 *y, const i64 *ids, const u32 *parts, i32 count, i32 rows, i32 columns) { row_dense(y, ids, parts, count, rows, columns, 1); }
