// y[i] = row ids[i] of a matrix of vector codes.
#include "codebook.h"

KERNEL(row_codebook)(f32 *y, const i64 *ids, const u32 *parts, i32 count, i32 rows, i32 columns) {
	Codebook w = codebook_of(parts);
	for (i32 i = 0; i < count; i++, y += columns) {
		i32 id = row_index(ids[i], rows);
		f32 scale = scale_of(w.scales[id]) / 128;
		const u8 *codes = w.codes + 4 * (id >> 4) * columns + (id >> 2 & 3);
		for (i32 c = 0; c < columns; c++) y[c] = (f32)w.entries[VECTOR * codes[4 * c] + (id & 3)] * scale;
	}
}
