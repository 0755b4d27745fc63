// Reads at indices: Gather, GatherND, GatherElements. Strides and runs are in bytes; a bad index traps.
#include "layout.h"

// y [outer, count, inner] = x [outer, limit, inner] at `count` indices of the middle axis; `inner` in bytes. Threads share rows of y.
KERNEL(gather)(u8 *y, const u8 *x, const u8 *indices, i32 outer, i32 limit, i32 count, i32 inner, i32 wide, i32 thread, i32 threads) {
	Share share = share_of(outer * count, thread, threads);
	for (i32 row = share.first; row < share.end; row++) {
		i32 o = row / count, i = row - o * count;
		copy_run(y + row * inner, x + (o * limit + index_at(indices, i, wide, limit)) * inner, inner);
	}
}

// Tuples of `depth` indices [batches, count, depth] choose runs of `inner` bytes; dims and strides are those of the indexed axes.
KERNEL(gather_nd)(u8 *y, const u8 *x, const u8 *indices, const i32 *dims, const i32 *strides, i32 batches, i32 batch, i32 count, i32 depth, i32 inner, i32 wide) {
	i32 at = 0;
	for (i32 b = 0; b < batches; b++, x += batch)
		for (i32 i = 0; i < count; i++, y += inner) {
			const u8 *from = x;
			for (i32 d = 0; d < depth; d++) from += index_at(indices, at++, wide, dims[d]) * strides[d];
			copy_run(y, from, inner);
		}
}

// y[.., i, ..] = x[.., indices[.., i, ..], ..]: dims are those of the indices, strides those of x, `limit` the size of its axis.
KERNEL(gather_elements)(u8 *y, const u8 *x, const u8 *indices, const i32 *dims, const i32 *strides, i32 rank, i32 axis, i32 limit, i32 count, i32 bytes, i32 wide) {
	for (i32 i = 0; i < count; i++, y += bytes) {
		const u8 *from = x;
		for (i32 d = rank - 1, rest = i; d >= 0; rest /= dims[d], d--)
			from += (d == axis ? index_at(indices, i, wide, limit) : rest % dims[d]) * strides[d];
		copy_element(y, from, bytes);
	}
}
