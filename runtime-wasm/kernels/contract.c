// y = sum of a b (or of a) over the inner loops, for every position of the outer loops; y is contiguous. Loops are rows of
// [length, stride of a, stride of b], outermost first.
#include "kernel.h"

static inline void loop_offsets(i32 index, const i32 *loops, i32 rank, i32 *a, i32 *b) {
	for (i32 axis = rank - 1; axis >= 0; axis--) {
		const i32 *loop = loops + axis * 3;
		i32 at = index % loop[0];
		index /= loop[0];
		*a += at * loop[1];
		*b += at * loop[2];
	}
}

#define CONTRACT(name, type) \
	KERNEL(name)(type *y, const type *a, const type *b, i32 has_b, const i32 *outer, i32 outer_rank, const i32 *inner, i32 inner_rank) { \
		i32 size = 1, count = 1; \
		for (i32 axis = 0; axis < outer_rank; axis++) size *= outer[axis * 3]; \
		for (i32 axis = 0; axis < inner_rank; axis++) count *= inner[axis * 3]; \
		for (i32 index = 0; index < size; index++) { \
			i32 a0 = 0, b0 = 0; \
			loop_offsets(index, outer, outer_rank, &a0, &b0); \
			type sum = 0; \
			for (i32 l = 0; l < count; l++) { \
				i32 at = a0, bt = b0; \
				loop_offsets(l, inner, inner_rank, &at, &bt); \
				sum += has_b ? a[at] * b[bt] : a[at]; \
			} \
			y[index] = sum; \
		} \
	}

CONTRACT(contract_f32, f32)
CONTRACT(contract_f64, f64)
