// Moving bytes, and integers known at compile time: the values come from the call's argument block.
#include "kernel.h"

KERNEL(copy_bytes)(void *y, const void *x, i32 bytes) { __builtin_memcpy(y, x, bytes); }

KERNEL(store_int64)(i64 *y, const i32 *values, i32 count) { for (i32 i = 0; i < count; i++) y[i] = values[i]; }

KERNEL(store_int32)(i32 *y, const i32 *values, i32 count) { for (i32 i = 0; i < count; i++) y[i] = values[i]; }

KERNEL(store_bool)(u8 *y, const i32 *values, i32 count) { for (i32 i = 0; i < count; i++) y[i] = values[i] != 0; }

KERNEL(widen_i32)(i64 *y, const i32 *x, i32 count) { for (i32 i = 0; i < count; i++) y[i] = x[i]; }
