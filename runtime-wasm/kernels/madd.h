// a b + c in each lane: one instruction where relaxed SIMD has it (rounded once or twice, as the processor likes), else two.
#pragma once
#include <wasm_simd128.h>

static inline v128_t madd_f32x4(v128_t a, v128_t b, v128_t c) {
#ifdef __wasm_relaxed_simd__
	return wasm_f32x4_relaxed_madd(a, b, c);
#else
	return wasm_f32x4_add(wasm_f32x4_mul(a, b), c);
#endif
}
