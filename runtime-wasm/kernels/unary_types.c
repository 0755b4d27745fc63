// Element-wise functions of one tensor for types other than f32. All work in place where input and output have one size.
#include "broadcast.h"

#define MAP(name, R, T, expression) \
	KERNEL(name)(R *y, const T *x, i32 count) { \
		SMALL for (i32 i = 0; i < count; i++) { \
			T v = x[i]; \
			y[i] = (R)(expression); \
		} \
	}

#define NEGATE(T) MAP(unary_neg_##T, T, T, 0 - v)
#define INVERT(T) MAP(unary_bitwise_not_##T, T, T, ~v)
#define MAGNITUDE(T) \
	MAP(unary_abs_##T, T, T, v < 0 ? 0 - v : v) \
	MAP(unary_relu_##T, T, T, v < 0 ? 0 : v) \
	MAP(unary_sign_##T, T, T, (v > 0) - (v < 0))
#define SIGN(T) MAP(unary_sign_##T, T, T, v != 0)

FOR_UNSIGNED(NEGATE)
FOR_UNSIGNED(INVERT)
FOR_UNSIGNED(SIGN)
FOR_SIGNED(MAGNITUDE)

MAP(unary_abs_f64, f64, f64, __builtin_fabs(v))
MAP(unary_neg_f64, f64, f64, -v)
MAP(unary_sqrt_f64, f64, f64, __builtin_sqrt(v))
MAP(unary_floor_f64, f64, f64, __builtin_floor(v))
MAP(unary_ceil_f64, f64, f64, __builtin_ceil(v))
MAP(unary_round_f64, f64, f64, __builtin_nearbyint(v))
MAP(unary_reciprocal_f64, f64, f64, 1 / v)
MAP(unary_relu_f64, f64, f64, v < 0 ? 0 : v)
MAP(unary_sign_f64, f64, f64, v > 0 ? 1 : v < 0 ? -1 : v)

MAP(unary_not_u8, u8, u8, v == 0)
MAP(unary_is_nan_f32, u8, f32, v != v)
MAP(unary_is_nan_f64, u8, f64, v != v)

// Whether v is infinite, of a sign that is asked for.
#define INFINITE(T) \
	KERNEL(unary_is_inf_##T)(u8 *y, const T *x, i32 count, i32 positive, i32 negative) { \
		T top = (T)__builtin_inf(); \
		SMALL for (i32 i = 0; i < count; i++) y[i] = (positive && x[i] == top) || (negative && x[i] == -top); \
	}
FOR_FLOATS(INFINITE)

KERNEL(fill_u8)(u8 *y, i32 count, i32 value) { __builtin_memset(y, value, (unsigned long)count); }
