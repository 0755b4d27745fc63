// TopK along the middle axis of [outer, size, inner]: a binary heap of the k best so far, worst on top, sorted at the end.
// Of equal elements the earlier one is better. `sign` is 1 for the largest, -1 for the smallest.
#include "kernel.h"

#define BEATS(a, i, b, j) (sign > 0 ? (a) > (b) : (a) < (b)) || ((a) == (b) && (i) < (j))

#define TOP_K(type) \
	static inline void sink_##type(type *y, i64 *at, i32 stride, i32 root, i32 size, i32 sign) { \
		type value = y[root * stride]; \
		i64 index = at[root * stride]; \
		for (i32 child; (child = 2 * root + 1) < size; root = child) { \
			if (child + 1 < size && (BEATS(y[child * stride], at[child * stride], y[(child + 1) * stride], at[(child + 1) * stride]))) child++; \
			if (BEATS(y[child * stride], at[child * stride], value, index)) break; \
			y[root * stride] = y[child * stride]; \
			at[root * stride] = at[child * stride]; \
		} \
		y[root * stride] = value; \
		at[root * stride] = index; \
	} \
	KERNEL(top_k_##type)(type *y, i64 *indices, const type *x, i32 outer, i32 size, i32 inner, i32 k, i32 sign) { \
		check(k <= size); \
		if (k == 0) return; \
		for (i32 o = 0; o < outer; o++) \
			for (i32 n = 0; n < inner; n++) { \
				const type *from = x + o * size * inner + n; \
				type *to = y + o * k * inner + n; \
				i64 *at = indices + o * k * inner + n; \
				for (i32 i = 0; i < k; i++) { \
					to[i * inner] = from[i * inner]; \
					at[i * inner] = i; \
				} \
				for (i32 root = k / 2 - 1; root >= 0; root--) sink_##type(to, at, inner, root, k, sign); \
				for (i32 i = k; i < size; i++) { \
					type value = from[i * inner]; \
					if (!(BEATS(value, i, to[0], at[0]))) continue; \
					to[0] = value; \
					at[0] = i; \
					sink_##type(to, at, inner, 0, k, sign); \
				} \
				for (i32 last = k - 1; last > 0; last--) { \
					type value = to[last * inner]; \
					i64 index = at[last * inner]; \
					to[last * inner] = to[0]; \
					at[last * inner] = at[0]; \
					to[0] = value; \
					at[0] = index; \
					sink_##type(to, at, inner, 0, last, sign); \
				} \
			} \
	}

TOP_K(f32)
TOP_K(f64)
TOP_K(u64)
TOP_K(u32)
TOP_K(i16)
TOP_K(u16)
TOP_K(i64)
TOP_K(i32)
TOP_K(i8)
TOP_K(u8)
