// Reductions over any axes for types other than f32; parameters as in reduce.c. Means and roots of integers are truncated.
#include "broadcast.h"
#include "power.h"

#define BOX i32 rank, const i32 *dims, const i32 *strides, i32 reduced_rank, const i32 *reduced_dims, const i32 *reduced_strides

#define REDUCE(name, T, A, start, step, finish) \
	KERNEL(reduce_##name##_##T)(T *y, const T *x, BOX) { \
		i32 count = product(rank, dims), n = product(reduced_rank, reduced_dims); \
		for (i32 i = 0; i < count; i++) { \
			const T *p = x + offset_of(i, rank, dims, strides); \
			A a = start; \
			SMALL for (i32 j = 0; j < n; j++) { \
				A v = (A)p[offset_of(j, reduced_rank, reduced_dims, reduced_strides)]; \
				a = step; \
			} \
			y[i] = (T)(finish); \
		} \
	}

#define EXTREMES(T, bottom, top) \
	REDUCE(max, T, T, bottom, v > a ? v : a, a) \
	REDUCE(min, T, T, top, v < a ? v : a, a)

#define ARITHMETIC(T, A) \
	REDUCE(sum, T, A, 0, a + v, a) \
	REDUCE(prod, T, A, 1, a * v, a) \
	REDUCE(l1, T, A, 0, a + (v < 0 ? 0 - v : v), a) \
	REDUCE(sum_square, T, A, 0, a + v * v, a) \
	REDUCE(mean, T, A, 0, a + v, n ? a / (A)n : 0) \
	REDUCE(l2, T, f64, 0, a + v * v, __builtin_sqrt(a)) \
	REDUCE(log_sum, T, f64, 0, a + v, log_f64(a)) \
	REDUCE(log_sum_exp, T, f64, 0, a + exp_f64(v), log_f64(a))

#pragma clang diagnostic ignored "-Wtautological-unsigned-zero-compare"

EXTREMES(i8, -128, 127)
EXTREMES(u8, 0, 255)
EXTREMES(i16, -32768, 32767)
EXTREMES(u16, 0, 65535)
EXTREMES(i32, -2147483647 - 1, 2147483647)
EXTREMES(u32, 0, 4294967295u)
EXTREMES(i64, -9223372036854775807ll - 1, 9223372036854775807ll)
EXTREMES(u64, 0, 18446744073709551615ull)

ARITHMETIC(i32, i64)
ARITHMETIC(u32, u64)
ARITHMETIC(i64, i64)
ARITHMETIC(u64, u64)

#define NAN_KEPT(chosen) (a != a ? a : v != v ? v : (chosen))
REDUCE(max, f64, f64, -__builtin_inf(), NAN_KEPT(v > a ? v : a), a)
REDUCE(min, f64, f64, __builtin_inf(), NAN_KEPT(v < a ? v : a), a)
REDUCE(sum, f64, f64, 0, a + v, a)
REDUCE(prod, f64, f64, 1, a * v, a)
REDUCE(l1, f64, f64, 0, a + __builtin_fabs(v), a)
REDUCE(sum_square, f64, f64, 0, a + v * v, a)
REDUCE(mean, f64, f64, 0, a + v, a / n)
REDUCE(l2, f64, f64, 0, a + v * v, __builtin_sqrt(a))
REDUCE(log_sum, f64, f64, 0, a + v, log_f64(a))
REDUCE(log_sum_exp, f64, f64, 0, a + exp_f64(v), log_f64(a))
