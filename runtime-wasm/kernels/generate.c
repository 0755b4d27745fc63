// Tensors made from a few numbers: Range, EyeLike, OneHot; and Trilu, which keeps one side of a diagonal.
#include "layout.h"

KERNEL(range_i64)(i64 *y, i32 start, i32 delta, i32 count) {
	for (i32 i = 0; i < count; i++) y[i] = (i64)start + (i64)i * delta;
}

KERNEL(range_i32)(i32 *y, i32 start, i32 delta, i32 count) {
	for (i32 i = 0; i < count; i++) y[i] = start + i * delta;
}

KERNEL(range_f32)(f32 *y, f32 start, f32 delta, i32 count) {
	for (i32 i = 0; i < count; i++) y[i] = start + (f32)i * delta;
}

// Zeros, and `one` where column - row = k.
KERNEL(eye)(u8 *y, const u8 *one, i32 rows, i32 columns, i32 k, i32 bytes) {
	__builtin_memset(y, 0, rows * columns * bytes);
	for (i32 r = 0; r < rows; r++)
		if (r + k >= 0 && r + k < columns) copy_element(y + (r * columns + r + k) * bytes, one, bytes);
}

static void keep_side(u8 *y, const u8 *x, i32 matrices, i32 rows, i32 columns, i32 upper, i32 bytes, i64 k) {
	i32 width = columns * bytes;
	for (i32 m = 0; m < matrices; m++)
		for (i32 r = 0; r < rows; r++, y += width, x += width) {
			i64 from = upper ? r + k : 0, to = upper ? columns : r + k + 1;
			i32 low = (i32)(from < 0 ? 0 : from > columns ? columns : from), high = (i32)(to < 0 ? 0 : to > columns ? columns : to);
			__builtin_memset(y, 0, low * bytes);
			copy_run(y + low * bytes, x + low * bytes, (high - low) * bytes);
			__builtin_memset(y + high * bytes, 0, width - high * bytes);
		}
}

// [matrices, rows, columns]: what lies on the diagonal k and above (upper) or below it; the rest is 0.
KERNEL(trilu)(u8 *y, const u8 *x, i32 k, i32 matrices, i32 rows, i32 columns, i32 upper, i32 bytes) {
	keep_side(y, x, matrices, rows, columns, upper, bytes, k);
}

// The same with a diagonal that is computed.
KERNEL(trilu_at)(u8 *y, const u8 *x, const i64 *k, i32 matrices, i32 rows, i32 columns, i32 upper, i32 bytes) {
	keep_side(y, x, matrices, rows, columns, upper, bytes, *k);
}

// y [outer, depth, inner] = values[1] where the depth is the index, else values[0]. kind: 0 i32, 1 i64, 2 f32. An index outside
// -depth to depth - 1 chooses nothing.
KERNEL(one_hot)(u8 *y, const u8 *indices, const u8 *values, i32 outer, i32 depth, i32 inner, i32 kind, i32 bytes) {
	for (i32 o = 0; o < outer; o++)
		for (i32 d = 0; d < depth; d++)
			for (i32 i = 0; i < inner; i++, y += bytes) {
				i32 at = o * inner + i;
				i64 index = kind == 1 ? ((const i64 *)indices)[at] : kind == 2 ? (i64)((const f32 *)indices)[at] : ((const i32 *)indices)[at];
				copy_element(y, values + ((index < 0 ? index + depth : index) == d) * bytes, bytes);
			}
}

// Along `time`, the first lengths[batch] steps in reverse. x is [first, second, inner]; `timeFirst` says which of the two is time.
KERNEL(reverse_sequence)(u8 *y, const u8 *x, const i64 *lengths, i32 first, i32 second, i32 inner, i32 timeFirst) {
	for (i32 a = 0; a < first; a++)
		for (i32 b = 0; b < second; b++, y += inner) {
			i32 t = timeFirst ? a : b, batch = timeFirst ? b : a, steps = timeFirst ? first : second;
			i64 length = lengths[batch];
			check(length >= 0 && length <= steps);
			i32 from = t < length ? (i32)length - 1 - t : t;
			copy_run(y, x + (timeFirst ? from * second + b : a * second + from) * inner, inner);
		}
}
