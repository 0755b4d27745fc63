// y[i] = row ids[i] of a matrix of codes with 16 levels.
#include "levels.h"

KERNEL(row_levels)(f32 *y, const i64 *ids, const u32 *parts, i32 count, i32 rows, i32 columns, i32 group) {
	i32 groups = ceil_divide(columns, group), pairs = groups * group / 2;
	Levels w = levels_of(parts);
	for (i32 i = 0; i < count; i++, y += columns) {
		i32 id = row_index(ids[i], rows);
		i32 block = id >> 4, shift = id & 8 ? 4 : 0;
		const u8 *codes = w.codes + 16 * block * pairs + 2 * (id & 7);
		for (i32 g = 0; g < groups; g++) {
			f32 scale = scale_of(w.scales[(block * groups + g) * 16 + (id & 15)]);
			i32 end = (g + 1) * group < columns ? (g + 1) * group : columns;
			for (i32 c = g * group; c < end; c++) y[c] = w.levels[codes[16 * (c >> 1) + (c & 1)] >> shift & 15] * scale;
		}
	}
}
