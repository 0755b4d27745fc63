// Pad by reading: every axis maps an output position to an input position. Padding with a constant is a fill and a copy instead.
#include "layout.h"

// mode: 0 edge, 1 reflect (without repeating the edge), 2 wrap.
static i32 source(i32 i, i32 size, i32 mode) {
	if (mode == 0) return i < 0 ? 0 : i >= size ? size - 1 : i;
	i32 period = mode == 1 ? (size > 1 ? 2 * size - 2 : 1) : size;
	i32 r = i % period;
	r = r < 0 ? r + period : r;
	return r < size ? r : period - r;
}

static void pad_level(u8 *y, const u8 *x, const i32 *dims, const i32 *sizes, const i32 *before, const i32 *write, const i32 *read, i32 rank, i32 mode, i32 bytes) {
	for (i32 i = 0; i < dims[0]; i++) {
		u8 *to = y + i * write[0];
		const u8 *from = x + source(i - before[0], sizes[0], mode) * read[0];
		if (rank == 1) copy_element(to, from, bytes);
		else pad_level(to, from, dims + 1, sizes + 1, before + 1, write + 1, read + 1, rank - 1, mode, bytes);
	}
}

// dims and write (bytes) are the output's, sizes and read the input's; `before` is what is put in front of each axis.
KERNEL(pad)(u8 *y, const u8 *x, const i32 *dims, const i32 *sizes, const i32 *before, const i32 *write, const i32 *read, i32 rank, i32 mode, i32 bytes) {
	for (i32 d = 0; d < rank; d++) check(sizes[d] > 0);
	pad_level(y, x, dims, sizes, before, write, read, rank, mode, bytes);
}
