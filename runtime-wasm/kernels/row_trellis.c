// y[i] = row ids[i] of a matrix of trellis codes.
#include "trellis.h"

// Word `word` of a column of a block, whose octet begins at `octet`: a byte is the upper one.
INLINE u32 word_of(const u8 *octet, i32 word, i32 place, i32 halves) {
	const u8 *at = octet + 16 * word;
	return 2 * word + 1 < halves ? ((const u16 *)at)[place] : (u32)at[place] << 8;
}

// The last 16 bits of the column.
INLINE u32 last_of(const u8 *octet, i32 place, i32 halves) {
	i32 words = halves / 2;
	u32 last = word_of(octet, words - 1, place, halves);
	return halves & 1 ? last << 8 | octet[16 * words + place] : last;
}

INLINE void row_trellis(f32 *y, const i64 *ids, const u32 *parts, i32 count, i32 rows, i32 columns, i32 halves) {
	Trellis w = trellis_of(parts, rows, columns);
	for (i32 i = 0; i < count; i++, y += columns) {
		i32 id = row_index(ids[i], rows), block = id >> 4, end = end_of(id & 15, halves), word = (end + 15) / 16 - 1, left = 16 * (word + 1) - end;
		f32 scale = trellis_scale(w.scales[id]) / UNITS;
		for (i32 c = 0; c < columns; c++) {
			const u8 *octet = w.codes + 8 * halves * (w.octets * block + (c >> 3));
			i32 place = place_of(c & 7);
			u32 before = word > 0 ? word_of(octet, word - 1, place, halves) : block % w.segment > 0 ? last_of(octet - 8 * halves * w.octets, place, halves) : lead_of(halves);
			y[c] = (f32)value_of((before << 16 | word_of(octet, word, place, halves)) >> left, halves) * scale;
		}
	}
}

#define ROW(name, halves) \
	KERNEL(row_trellis##name)(f32 *y, const i64 *ids, const u32 *parts, i32 count, i32 rows, i32 columns) { \
		row_trellis(y, ids, parts, count, rows, columns, halves); \
	}

EACH_TRELLIS(ROW)
