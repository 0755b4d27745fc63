// Arithmetic of two tensors that broadcast, for integers and f64. Sums and products wrap, so one kernel serves both signs. Division
// truncates; x / 0 and x mod 0 are 0, so that no data can trap.
#include "binary.h"

#define WRAPPING(T) \
	BINARY_MAP(binary_add_##T, T, T, T, u + w) \
	BINARY_MAP(binary_sub_##T, T, T, T, u - w) \
	BINARY_MAP(binary_mul_##T, T, T, T, (u64)u * w)

#define ORDERED(T) \
	BINARY_MAP(binary_max_##T, T, T, T, u > w ? u : w) \
	BINARY_MAP(binary_min_##T, T, T, T, u < w ? u : w) \
	BINARY_MAP(binary_prelu_##T, T, T, T, u < (T)0 ? u * w : u)

// -1 is apart because the quotient of the smallest integer by it overflows.
#define DIVISION(T) \
	BINARY_MAP(binary_div_##T, T, T, T, w == 0 ? 0 : w == (T)-1 && (T)-1 < 0 ? (T)(0 - (u64)u) : u / w) \
	BINARY_MAP(binary_fmod_##T, T, T, T, w == 0 || (w == (T)-1 && (T)-1 < 0) ? 0 : u % w) \
	BINARY_MAP(binary_mod_##T, T, T, T, modulo_##T(u, w))

// The remainder with the sign of the divisor.
#define MODULO(T) \
	static inline T modulo_##T(T u, T w) { \
		if (w == 0 || (w == (T)-1 && (T)-1 < 0)) return 0; \
		T r = (T)(u % w); \
		return (T)(r != 0 && ((r < 0) != (w < 0)) ? r + w : r); \
	}

#pragma clang diagnostic ignored "-Wtautological-compare"
#pragma clang diagnostic ignored "-Wtautological-unsigned-zero-compare"

FOR_UNSIGNED(WRAPPING)
FOR_INTEGERS(ORDERED)
FOR_INTEGERS(MODULO)
FOR_INTEGERS(DIVISION)

// NaN if either is NaN, as in f32.
#define EITHER_NAN(chosen) (u != u ? u : w != w ? w : (chosen))
BINARY_MAP(binary_add_f64, f64, f64, f64, u + w)
BINARY_MAP(binary_sub_f64, f64, f64, f64, u - w)
BINARY_MAP(binary_mul_f64, f64, f64, f64, u * w)
BINARY_MAP(binary_div_f64, f64, f64, f64, u / w)
BINARY_MAP(binary_max_f64, f64, f64, f64, EITHER_NAN(u > w ? u : w))
BINARY_MAP(binary_min_f64, f64, f64, f64, EITHER_NAN(u < w ? u : w))
BINARY_MAP(binary_prelu_f64, f64, f64, f64, u < 0 ? u * w : u)
