// Moving bytes, and integers known at compile time: the values come from the call's argument block.
#include "kernel.h"

KERNEL(copy_bytes)(void *y, const void *x, i32 bytes) { __builtin_memcpy(y, x, bytes); }

#define STORE(name, T) \
	KERNEL(store_##name)(T *y, const i32 *values, i32 count) { for (i32 i = 0; i < count; i++) y[i] = (T)values[i]; }

STORE(int64, i64)
STORE(uint64, u64)
STORE(int32, i32)
STORE(uint32, u32)
STORE(int16, i16)
STORE(uint16, u16)
STORE(int8, i8)
STORE(uint8, u8)

KERNEL(store_bool)(u8 *y, const i32 *values, i32 count) { for (i32 i = 0; i < count; i++) y[i] = values[i] != 0; }

KERNEL(widen_i32)(i64 *y, const i32 *x, i32 count) { for (i32 i = 0; i < count; i++) y[i] = x[i]; }
