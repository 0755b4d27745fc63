// Conversions between element types: y[i] = (R)x[i]. Floats are truncated towards zero; what no 64-bit integer holds saturates and NaN
// is 0, then the value wraps to the width of the target. Halves are bit patterns.
#include "broadcast.h"

typedef u16 f16;
typedef u16 bf16;

static inline f32 bits_to_f32(u32 bits) {
	union { u32 bits; f32 value; } both = {bits};
	return both.value;
}

static inline u32 f32_to_bits(f32 value) {
	union { f32 value; u32 bits; } both = {value};
	return both.bits;
}

static inline f32 widen_f16(u16 half) {
	u32 sign = (u32)(half & 0x8000) << 16, exponent = (half >> 10) & 31, mantissa = half & 1023;
	if (exponent == 0) return __builtin_copysignf((f32)mantissa * 5.9604644775390625e-8f, bits_to_f32(sign));
	return bits_to_f32(sign | (exponent == 31 ? 255 : exponent + 112) << 23 | mantissa << 13);
}

static inline f32 widen_bf16(u16 half) { return bits_to_f32((u32)half << 16); }

// Rounds half to even; a carry out of the mantissa runs into the exponent, as it should.
static inline u16 narrow_f16(f32 value) {
	u32 bits = f32_to_bits(value), sign = bits >> 16 & 0x8000;
	f32 a = __builtin_fabsf(value);
	if (a != a) return 0x7e00;
	if (a >= 65520) return (u16)(sign | 0x7c00);
	if (a < 6.103515625e-5f) return (u16)(sign | (u32)__builtin_nearbyintf(a * 16777216.0f));
	u32 magnitude = bits & 0x7fffffff;
	magnitude += 0xfff + (magnitude >> 13 & 1);
	return (u16)(sign | ((magnitude >> 13) - (112 << 10)));
}

static inline u16 narrow_bf16(f32 value) {
	u32 bits = f32_to_bits(value);
	if (value != value) return 0x7fc0;
	return (u16)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

#define IDENTITY(x) (x)

#define CAST(from, T, read, to, R, write) \
	KERNEL(cast_##from##_##to)(R *y, const T *x, i32 count) { \
		SMALL for (i32 i = 0; i < count; i++) y[i] = write(read(x[i])); \
	}

#define TO_I8(x) ((i8)(i64)(x))
#define TO_U8(x) ((u8)(i64)(x))
#define TO_I16(x) ((i16)(i64)(x))
#define TO_U16(x) ((u16)(i64)(x))
#define TO_I32(x) ((i32)(i64)(x))
#define TO_U32(x) ((u32)(i64)(x))
#define TO_I64(x) ((i64)(x))
#define TO_U64(x) ((u64)(x))
#define TO_BOOL(x) ((x) != 0)

#define FROM(from, T, read) \
	CAST(from, T, read, f32, f32, (f32)) \
	CAST(from, T, read, f64, f64, (f64)) \
	CAST(from, T, read, f16, u16, narrow_f16) \
	CAST(from, T, read, bf16, u16, narrow_bf16) \
	CAST(from, T, read, i8, i8, TO_I8) \
	CAST(from, T, read, u8, u8, TO_U8) \
	CAST(from, T, read, i16, i16, TO_I16) \
	CAST(from, T, read, u16, u16, TO_U16) \
	CAST(from, T, read, i32, i32, TO_I32) \
	CAST(from, T, read, u32, u32, TO_U32) \
	CAST(from, T, read, i64, i64, TO_I64) \
	CAST(from, T, read, u64, u64, TO_U64) \
	CAST(from, T, read, bool, u8, TO_BOOL)

FROM(f32, f32, IDENTITY)
FROM(f64, f64, IDENTITY)
FROM(f16, u16, widen_f16)
FROM(bf16, u16, widen_bf16)
FROM(i8, i8, IDENTITY)
FROM(u8, u8, IDENTITY)
FROM(i16, i16, IDENTITY)
FROM(u16, u16, IDENTITY)
FROM(i32, i32, IDENTITY)
FROM(u32, u32, IDENTITY)
FROM(i64, i64, IDENTITY)
FROM(u64, u64, IDENTITY)
