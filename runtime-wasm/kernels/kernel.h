// Common ground of all kernels. A kernel is an exported pure function of pointers and sizes: output first, `const` for what it
// reads, no globals, no static data, no stack arrays, no allocation. Parameter names are the contract with the compiler.
#pragma once
#include <wasm_simd128.h>

typedef signed char i8;
typedef unsigned char u8;
typedef short i16;
typedef unsigned short u16;
typedef int i32;
typedef unsigned int u32;
typedef long long i64;
typedef unsigned long long u64;
typedef float f32;
typedef double f64;

#define CONCAT_(a, b) a##b
#define CONCAT(a, b) CONCAT_(a, b)

// An exported function: KERNEL(softmax_f32)(f32 *y, const f32 *x, i32 rows, i32 columns) { … }
#define KERNEL(name) __attribute__((export_name(#name))) void name

#define UNROLL _Pragma("clang loop unroll(full)")
#define ONE_BY_ONE _Pragma("clang loop unroll(disable)")

// Elements that a bad index would reach end the run: the loader reports the trap, and the model stays usable.
static inline void check(i32 condition) {
	if (!condition) __builtin_trap();
}

// A kernel whose last parameters are `i32 thread, i32 threads` is called by every thread, and does its share of the work; what it
// writes must not depend on the number of threads. Others are called by thread 0 alone. A `scratch` is each thread's own.
typedef struct {
	i32 first, end;
} Share;

// The units (rows, blocks, heads, …) of one of `threads` threads: consecutive, and alike in number to within one.
static inline Share share_of(i32 units, i32 thread, i32 threads) {
	return (Share){(i32)((i64)units * thread / threads), (i32)((i64)units * (thread + 1) / threads)};
}
