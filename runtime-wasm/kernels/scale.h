// Rounds scales to positive normal halfs.
#pragma once
#include "code.h"

#define LEAST_HALF 0x1p-14f

INLINE u32 bits_of(f32 x) {
	union {
		f32 value;
		u32 bits;
	} u = {x};
	return u.bits;
}

// The nearest positive normal half.
INLINE u16 half_of(f32 x) {
	if (!(x > LEAST_HALF)) return 0x0400;
	if (x >= 65504.0f) return 0x7bff;
	u32 bits = bits_of(x) - (112u << 23);
	return (u16)((bits + 0xfff + ((bits >> 13) & 1)) >> 13);
}
