// Element-wise functions of two tensors that broadcast, f32 in SIMD: y is contiguous over dims, a and b have strides; the last loop's
// strides are 0 or 1. y may be a or b where that operand has the shape of y.
#include "broadcast.h"
#include "math.h"
#include "share.h"

#define BLOCK 1024

#define BINARY(name, vector) \
	KERNEL(binary_##name##_f32)(f32 *y, const f32 *a, const f32 *b, i32 rank, const i32 *dims, const i32 *strides_a, const i32 *strides_b, i32 thread, i32 threads) { \
		i32 n = dims[rank - 1], rows = n ? product(rank - 1, dims) : 0, step_a = strides_a[rank - 1], step_b = strides_b[rank - 1]; \
		Share share = share_of(rows * parts_of_row(n, BLOCK), thread, threads); \
		for (i32 unit = share.first; unit < share.end; unit++) { \
			RowPart part = row_part(unit, n, BLOCK); \
			const f32 *p = a + offset_of(part.row, rank - 1, dims, strides_a), *q = b + offset_of(part.row, rank - 1, dims, strides_b); \
			f32 *to = y + part.row * n; \
			i32 i = part.first; \
			if (step_a && step_b) { \
				for (; i + 4 <= part.end; i += 4) wasm_v128_store(to + i, vector(wasm_v128_load(p + i), wasm_v128_load(q + i))); \
			} else if (step_a) { \
				v128_t v = wasm_v128_load32_splat(q); \
				for (; i + 4 <= part.end; i += 4) wasm_v128_store(to + i, vector(wasm_v128_load(p + i), v)); \
			} else { \
				v128_t v = wasm_v128_load32_splat(p); \
				for (; i + 4 <= part.end; i += 4) wasm_v128_store(to + i, vector(v, wasm_v128_load(q + i))); \
			} \
			f32 u = 0, w = 0; \
			for (i32 first = i; i < part.end; i++) { \
				if (step_a || i == first) u = p[i * step_a]; \
				if (step_b || i == first) w = q[i * step_b]; \
				to[i] = wasm_f32x4_extract_lane(vector(wasm_f32x4_splat(u), wasm_f32x4_splat(w)), 0); \
			} \
		} \
	}

static inline v128_t prelu(v128_t x, v128_t slope) {
	return wasm_v128_bitselect(wasm_f32x4_mul(x, slope), x, wasm_f32x4_lt(x, wasm_f32x4_splat(0)));
}

BINARY(add, wasm_f32x4_add)
BINARY(sub, wasm_f32x4_sub)
BINARY(mul, wasm_f32x4_mul)
BINARY(div, wasm_f32x4_div)
BINARY(max, wasm_f32x4_max)
BINARY(min, wasm_f32x4_min)
BINARY(prelu, prelu)
