// y[i] = row ids[i] of a matrix of BitStack's blocks.
#include "bitstack.h"

KERNEL(row_bitstack)(f32 *y, const i64 *ids, const u32 *parts, i32 count, i32 rows, i32 columns, i32 bits, i32 rank) {
	i32 wide = padded_columns(columns), tall = padded_rows(rows);
	for (i32 i = 0; i < count; i++, y += columns) {
		i32 id = row_index(ids[i], rows);
		for (i32 c = 0; c < columns; c++) {
			f32 total = 0;
			for (i32 b = 0; b < bits; b++) {
				Stack s = stack_of(parts, b);
				f32 magnitude = 0;
				for (i32 k = 0; k < rank; k++) magnitude += factor_at(s.outputs + k * tall + id) * factor_at(s.inputs + k * wide + c);
				i32 sign = s.signs[(id & -16) * wide / 8 + 16 * (c >> 3) + (id & 15)] >> (c & 7) & 1;
				total += sign ? magnitude : -magnitude;
			}
			y[c] = total;
		}
	}
}
