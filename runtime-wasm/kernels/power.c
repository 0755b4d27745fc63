// Powers and float remainders of two tensors that broadcast.
#include "binary.h"
#include "power.h"

// x - trunc(x / y) y, exactly: y is doubled up to x and subtracted on the way down.
static inline f64 remainder_f64(f64 x, f64 y) {
	f64 r = __builtin_fabs(x), d = __builtin_fabs(y);
	if (!(r < __builtin_inf()) || d != d || d == 0) return __builtin_nan("");
	if (d <= r) {
		f64 step = d;
		while (step <= r * 0.5) step *= 2;
		for (; step >= d; step *= 0.5) {
			if (r >= step) r -= step;
		}
	}
	return __builtin_copysign(r, x);
}

// The remainder with the sign of the divisor.
static inline f64 modulo_f64(f64 x, f64 y) {
	f64 r = remainder_f64(x, y);
	return r != 0 && (r < 0) != (y < 0) ? r + y : r;
}

#define POWER(T) \
	BINARY_MAP(binary_pow_##T, T, T, T, pow_f64(u, w)) \
	BINARY_MAP(binary_fmod_##T, T, T, T, remainder_f64(u, w)) \
	BINARY_MAP(binary_mod_##T, T, T, T, modulo_f64(u, w))

FOR_FLOATS(POWER)
