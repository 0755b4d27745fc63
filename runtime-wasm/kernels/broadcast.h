// Walking tensors by dims and strides (in elements) that the compiler has merged to few loops. The innermost loop belongs to the kernel.
#pragma once
#include "kernel.h"

static inline i32 product(i32 rank, const i32 *dims) {
	i32 n = 1;
	for (i32 d = 0; d < rank; d++) n *= dims[d];
	return n;
}

// Where element `index` (row-major over dims) of an operand with these strides lies.
static inline i32 offset_of(i32 index, i32 rank, const i32 *dims, const i32 *strides) {
	i32 offset = 0;
	for (i32 d = rank - 1; d > 0; d--) {
		u32 quotient = (u32)index / (u32)dims[d];
		offset += (index - (i32)quotient * dims[d]) * strides[d];
		index = (i32)quotient;
	}
	return rank > 0 ? offset + index * strides[0] : 0;
}

// Put before loops over rare types: code size matters more there than speed.
#define SMALL _Pragma("clang loop vectorize(disable) unroll(disable)")

#define FOR_SIGNED(M) M(i8) M(i16) M(i32) M(i64)
#define FOR_UNSIGNED(M) M(u8) M(u16) M(u32) M(u64)
#define FOR_INTEGERS(M) FOR_SIGNED(M) FOR_UNSIGNED(M)
#define FOR_FLOATS(M) M(f32) M(f64)
#define FOR_NUMBERS(M) FOR_INTEGERS(M) FOR_FLOATS(M)
