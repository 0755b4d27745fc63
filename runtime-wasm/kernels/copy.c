// Strided copies and fills of elements of 1, 2, 4 or 8 bytes. Strides are in bytes and may be 0 (a broadcast) or negative.
#include "layout.h"

#define STRIDED(type) \
	for (i32 i = 0; i < count; i++, y += write, x += read) *(type *)y = *(const type *)x

static inline void copy_line(u8 *y, const u8 *x, i32 count, i32 write, i32 read, i32 bytes) {
	if (write == bytes && read == bytes) copy_run(y, x, count * bytes);
	else if (write == bytes && read == 0) fill_run(y, x, count, bytes);
	else if (bytes == 4) STRIDED(u32);
	else if (bytes == 8) STRIDED(u64);
	else if (bytes == 2) STRIDED(u16);
	else STRIDED(u8);
}

// A plane whose columns are contiguous on the side that is read and whose rows are on the side that is written: 4 by 4 at a time.
static void transpose_4x4(u8 *y, const u8 *x, i32 rows, i32 columns, i32 write, i32 read) {
	i32 r = 0;
	for (; r + 4 <= rows; r += 4) {
		i32 c = 0;
		for (; c + 4 <= columns; c += 4) {
			const u8 *from = x + r * 4 + c * read;
			v128_t a = wasm_v128_load(from), b = wasm_v128_load(from + read), d = wasm_v128_load(from + 2 * read), e = wasm_v128_load(from + 3 * read);
			v128_t ab = wasm_i32x4_shuffle(a, b, 0, 4, 1, 5), de = wasm_i32x4_shuffle(d, e, 0, 4, 1, 5);
			v128_t AB = wasm_i32x4_shuffle(a, b, 2, 6, 3, 7), DE = wasm_i32x4_shuffle(d, e, 2, 6, 3, 7);
			u8 *to = y + r * write + c * 4;
			wasm_v128_store(to, wasm_i64x2_shuffle(ab, de, 0, 2));
			wasm_v128_store(to + write, wasm_i64x2_shuffle(ab, de, 1, 3));
			wasm_v128_store(to + 2 * write, wasm_i64x2_shuffle(AB, DE, 0, 2));
			wasm_v128_store(to + 3 * write, wasm_i64x2_shuffle(AB, DE, 1, 3));
		}
		for (i32 k = 0; k < 4; k++) copy_line(y + (r + k) * write + c * 4, x + (r + k) * 4 + c * read, columns - c, 4, read, 4);
	}
	for (; r < rows; r++) copy_line(y + r * write, x + r * 4, columns, 4, read, 4);
}

static void copy_level(u8 *y, const u8 *x, const i32 *dims, const i32 *write, const i32 *read, i32 rank, i32 bytes) {
	if (rank == 1) {
		copy_line(y, x, dims[0], write[0], read[0], bytes);
		return;
	}
	if (rank == 2 && bytes == 4 && read[0] == 4 && write[1] == 4) {
		transpose_4x4(y, x, dims[0], dims[1], write[0], read[1]);
		return;
	}
	for (i32 i = 0; i < dims[0]; i++) copy_level(y + i * write[0], x + i * read[0], dims + 1, write + 1, read + 1, rank - 1, bytes);
}

// y[write . index] = x[read . index] for every index of the box `dims`.
KERNEL(copy_strided)(u8 *y, const u8 *x, const i32 *dims, const i32 *write, const i32 *read, i32 rank, i32 bytes) {
	copy_level(y, x, dims, write, read, rank, bytes);
}

// count elements of the one value.
KERNEL(fill)(u8 *y, const u8 *value, i32 count, i32 bytes) {
	fill_run(y, value, count, bytes);
}
