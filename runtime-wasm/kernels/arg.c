// Index of the largest or smallest element along one axis of x [outer, length, inner]; y [outer, inner]. Of equal elements the first,
// or the last where `last` is set. NaN counts as the extreme.
#include "broadcast.h"

#define ARG(name, T, better) \
	KERNEL(arg_##name##_##T)(i64 *y, const T *x, i32 outer, i32 length, i32 inner, i32 last) { \
		for (i32 o = 0; o < outer; o++, x += length * inner) { \
			for (i32 i = 0; i < inner; i++) { \
				T best = x[i]; \
				i32 at = 0; \
				SMALL for (i32 k = 1; k < length; k++) { \
					T v = x[k * inner + i]; \
					if (v better best || (v != v && best == best) || (last && v == best)) best = v, at = k; \
				} \
				*y++ = at; \
			} \
		} \
	}

#pragma clang diagnostic ignored "-Wtautological-compare"

#define BOTH(T) ARG(max, T, >) ARG(min, T, <)
FOR_NUMBERS(BOTH)
