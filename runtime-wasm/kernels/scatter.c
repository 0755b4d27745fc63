// Writes at indices into a copy of the data: ScatterElements and ScatterND. Strides are in bytes; a bad index traps.
// reduction: 0 replaces, 1 adds, 2 multiplies, 3 takes the larger, 4 the smaller; type: 1 f32, 2 i32, 3 i64 (0 where only moved).
#include "layout.h"

#define REDUCE(type) { \
		type a = *(type *)y, b = *(const type *)x; \
		*(type *)y = reduction == 1 ? a + b : reduction == 2 ? a * b : reduction == 3 ? (a < b ? b : a) : b < a ? b : a; \
	}

static void combine(u8 *y, const u8 *x, i32 bytes, i32 type, i32 reduction) {
	if (reduction == 0) copy_element(y, x, bytes);
	else if (type == 1) REDUCE(f32)
	else if (type == 2) REDUCE(i32)
	else if (type == 3) REDUCE(i64)
}

// y[.., indices[.., i, ..], ..] = updates[.., i, ..]: dims are those of the indices, strides those of y.
KERNEL(scatter_elements)(u8 *y, const u8 *indices, const u8 *updates, const i32 *dims, const i32 *strides, i32 rank, i32 axis, i32 limit, i32 count, i32 bytes, i32 wide, i32 type, i32 reduction) {
	for (i32 i = 0; i < count; i++, updates += bytes) {
		u8 *to = y;
		for (i32 d = rank - 1, rest = i; d >= 0; rest /= dims[d], d--)
			to += (d == axis ? index_at(indices, i, wide, limit) : rest % dims[d]) * strides[d];
		combine(to, updates, bytes, type, reduction);
	}
}

// Tuples of `depth` indices choose where runs of `inner` elements go.
KERNEL(scatter_nd)(u8 *y, const u8 *indices, const u8 *updates, const i32 *dims, const i32 *strides, i32 count, i32 depth, i32 inner, i32 bytes, i32 wide, i32 type, i32 reduction) {
	for (i32 i = 0; i < count; i++, updates += inner * bytes) {
		u8 *to = y;
		for (i32 d = 0; d < depth; d++) to += index_at(indices, i * depth + d, wide, dims[d]) * strides[d];
		if (reduction == 0) copy_run(to, updates, inner * bytes);
		else for (i32 k = 0; k < inner; k++) combine(to + k * bytes, updates + k * bytes, bytes, type, reduction);
	}
}
