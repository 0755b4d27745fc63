// Running sums along one axis of x [outer, length, inner]; `exclusive` leaves out the element itself, `reverse` starts at the end.
#include "broadcast.h"

#define CUMSUM(T) \
	KERNEL(cumsum_##T)(T *y, const T *x, i32 outer, i32 length, i32 inner, i32 exclusive, i32 reverse) { \
		i32 first = reverse ? (length - 1) * inner : 0, step = reverse ? -inner : inner; \
		for (i32 o = 0; o < outer; o++, x += length * inner, y += length * inner) { \
			for (i32 i = 0; i < inner; i++) { \
				T sum = 0; \
				SMALL for (i32 k = 0, at = first + i; k < length; k++, at += step) { \
					T v = x[at]; \
					y[at] = exclusive ? sum : sum + v; \
					sum += v; \
				} \
			} \
		} \
	}

FOR_FLOATS(CUMSUM)
CUMSUM(u32)
CUMSUM(u64)
