// The scalar form of element-wise functions of two tensors that broadcast: R y, T a, U b; y is contiguous over dims.
#pragma once
#include "broadcast.h"

#define BINARY_MAP(name, R, T, U, expression) \
	KERNEL(name)(R *y, const T *a, const U *b, i32 rank, const i32 *dims, const i32 *strides_a, const i32 *strides_b) { \
		i32 n = dims[rank - 1], rows = n ? product(rank - 1, dims) : 0, step_a = strides_a[rank - 1], step_b = strides_b[rank - 1]; \
		for (i32 r = 0; r < rows; r++, y += n) { \
			const T *p = a + offset_of(r, rank - 1, dims, strides_a); \
			const U *q = b + offset_of(r, rank - 1, dims, strides_b); \
			SMALL for (i32 i = 0; i < n; i++) { \
				T u = p[i * step_a]; \
				U w = q[i * step_b]; \
				y[i] = (R)(expression); \
			} \
		} \
	}
