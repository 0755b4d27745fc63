// Products of bytes less their zero points, summed in 32 bits: 8 columns at a time, 16-bit factors (|x - zero| <= 255), 32-bit products.
// `a_zeros` and `b_zeros` count zero points: none, one, or one for each row of a and column of b. `batch` as in matmul.c.
#include "kernel.h"

static inline v128_t widen_u8(const u8 *p) { return wasm_u16x8_load8x8(p); }
static inline v128_t widen_i8(const i8 *p) { return wasm_i16x8_load8x8(p); }

#define INTEGER_MATMUL(name, ta, tb, widen) \
	KERNEL(name)(i32 *y, const ta *a, const tb *b, const ta *a_zero, i32 a_zeros, const tb *b_zero, i32 b_zeros, i32 m, i32 n, i32 k, const i32 *batch, i32 batch_rank) { \
		i32 count = 1; \
		for (i32 axis = 0; axis < batch_rank; axis++) count *= batch[axis * 4]; \
		for (i32 index = 0; index < count; index++) { \
			i32 rest = index; \
			i32 *yi = y; \
			const ta *ai = a; \
			const tb *bi = b; \
			for (i32 axis = batch_rank - 1; axis >= 0; axis--) { \
				const i32 *step = batch + axis * 4; \
				i32 at = rest % step[0]; \
				rest /= step[0]; \
				yi += at * step[1]; \
				ai += at * step[2]; \
				bi += at * step[3]; \
			} \
			for (i32 i = 0; i < m; i++, yi += n, ai += k) { \
				i32 za = a_zeros == 0 ? 0 : a_zero[a_zeros == 1 ? 0 : i], j = 0; \
				for (; j + 8 <= n; j += 8) { \
					v128_t zb = b_zeros == 0 ? wasm_i16x8_splat(0) : b_zeros == 1 ? wasm_i16x8_splat(*b_zero) : widen(b_zero + j); \
					v128_t low = wasm_i32x4_splat(0), high = low; \
					for (i32 l = 0; l < k; l++) { \
						v128_t f = wasm_i16x8_splat((i16)(ai[l] - za)), v = wasm_i16x8_sub(widen(bi + l * n + j), zb); \
						low = wasm_i32x4_add(low, wasm_i32x4_extmul_low_i16x8(f, v)); \
						high = wasm_i32x4_add(high, wasm_i32x4_extmul_high_i16x8(f, v)); \
					} \
					wasm_v128_store(yi + j, low); \
					wasm_v128_store(yi + j + 4, high); \
				} \
				for (; j < n; j++) { \
					i32 zb = b_zeros == 0 ? 0 : b_zero[b_zeros == 1 ? 0 : j], sum = 0; \
					for (i32 l = 0; l < k; l++) sum += (ai[l] - za) * (bi[l * n + j] - zb); \
					yi[j] = sum; \
				} \
			} \
		} \
	}

INTEGER_MATMUL(matmul_integer_u8u8, u8, u8, widen_u8)
INTEGER_MATMUL(matmul_integer_u8i8, u8, i8, widen_i8)
INTEGER_MATMUL(matmul_integer_i8u8, i8, u8, widen_u8)
INTEGER_MATMUL(matmul_integer_i8i8, i8, i8, widen_i8)
