// What the layout kernels share: elements of 1, 2, 4 or 8 bytes moved unchanged, and indices as i64 or i32.
#pragma once
#include "kernel.h"

// One element. A program's sizes do not change, so processors foresee the branches.
static inline void copy_element(u8 *y, const u8 *x, i32 bytes) {
	if (bytes == 4) *(u32 *)y = *(const u32 *)x;
	else if (bytes == 8) *(u64 *)y = *(const u64 *)x;
	else if (bytes == 2) *(u16 *)y = *(const u16 *)x;
	else *y = *x;
}

// A run of bytes; short ones without the cost of a bulk instruction.
static inline void copy_run(u8 *y, const u8 *x, i32 bytes) {
	if (bytes >= 64) {
		__builtin_memcpy(y, x, bytes);
		return;
	}
	i32 i = 0;
	for (; i + 8 <= bytes; i += 8) __builtin_memcpy(y + i, x + i, 8);
#pragma clang loop vectorize(disable)
	for (; i < bytes; i++) y[i] = x[i];
}

// Repeats one element.
static inline void fill_run(u8 *y, const u8 *x, i32 count, i32 bytes) {
	if (bytes == 4) {
		u32 value = *(const u32 *)x;
		for (i32 i = 0; i < count; i++) ((u32 *)y)[i] = value;
	} else if (bytes == 8) {
		u64 value = (u64)((const u32 *)x)[1] << 32 | ((const u32 *)x)[0];
		for (i32 i = 0; i < count; i++) ((u64 *)y)[i] = value;
	} else if (bytes == 2) {
		u16 value = *(const u16 *)x;
		for (i32 i = 0; i < count; i++) ((u16 *)y)[i] = value;
	} else {
		__builtin_memset(y, *x, count);
	}
}

// Element i of a list of indices of `wide` (i64) or 32-bit integers, counted from the end where negative.
static inline i32 index_at(const u8 *indices, i32 i, i32 wide, i32 limit) {
	i64 index = wide ? ((const i64 *)indices)[i] : ((const i32 *)indices)[i];
	if (index < 0) index += limit;
	check(index >= 0 && index < limit);
	return (i32)index;
}
