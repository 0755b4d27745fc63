// y[i] = row ids[i] of a matrix of trellis codes.
#include "trellis.h"

INLINE void row_trellis(f32 *y, const i64 *ids, const u32 *parts, i32 count, i32 rows, i32 columns, i32 bits) {
	Trellis w = trellis_of(parts, rows, columns);
	for (i32 i = 0; i < count; i++, y += columns) {
		i32 id = row_index(ids[i], rows), block = id >> 4, end = bits * ((id & 15) + 1), word = (end + 15) / 16 - 1, left = 16 * (word + 1) - end;
		f32 scale = trellis_scale(w.scales[id]) / UNITS;
		for (i32 c = 0; c < columns; c++) {
			const u16 *at = w.codes + 8 * bits * (w.octets * block + (c >> 3)) + 8 * word + place_of(c & 7);
			u32 before = word > 0 ? at[-8] : block % w.segment > 0 ? at[-8 * (bits * w.octets - (bits - 1))] : lead_of(bits);
			y[c] = (f32)value_of((before << 16 | at[0]) >> left, bits) * scale;
		}
	}
}

#define ROW(bits) \
	KERNEL(row_trellis##bits)(f32 *y, const i64 *ids, const u32 *parts, i32 count, i32 rows, i32 columns) { row_trellis(y, ids, parts, count, rows, columns, bits); }

ROW(2)
ROW(3)
ROW(4)
