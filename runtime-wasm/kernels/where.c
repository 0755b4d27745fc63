// y = condition ? a : b over three operands that broadcast, by element size; floats and integers alike.
#include "broadcast.h"

#define WHERE(T) \
	KERNEL(where_##T)(T *y, const u8 *condition, const T *a, const T *b, i32 rank, const i32 *dims, const i32 *strides_condition, const i32 *strides_a, const i32 *strides_b) { \
		i32 n = dims[rank - 1], rows = n ? product(rank - 1, dims) : 0; \
		i32 step = strides_condition[rank - 1], step_a = strides_a[rank - 1], step_b = strides_b[rank - 1]; \
		for (i32 r = 0; r < rows; r++, y += n) { \
			const u8 *c = condition + offset_of(r, rank - 1, dims, strides_condition); \
			const T *p = a + offset_of(r, rank - 1, dims, strides_a), *q = b + offset_of(r, rank - 1, dims, strides_b); \
			SMALL for (i32 i = 0; i < n; i++) y[i] = c[i * step] ? p[i * step_a] : q[i * step_b]; \
		} \
	}

WHERE(u8)
WHERE(u16)
WHERE(u64)

// Four elements at a time: four condition bytes become four masks.
KERNEL(where_u32)(u32 *y, const u8 *condition, const u32 *a, const u32 *b, i32 rank, const i32 *dims, const i32 *strides_condition, const i32 *strides_a, const i32 *strides_b) {
	i32 n = dims[rank - 1], rows = n ? product(rank - 1, dims) : 0;
	i32 step = strides_condition[rank - 1], step_a = strides_a[rank - 1], step_b = strides_b[rank - 1];
	v128_t zero = wasm_i32x4_splat(0);
	for (i32 r = 0; r < rows; r++, y += n) {
		const u8 *c = condition + offset_of(r, rank - 1, dims, strides_condition);
		const u32 *p = a + offset_of(r, rank - 1, dims, strides_a), *q = b + offset_of(r, rank - 1, dims, strides_b);
		i32 i = 0;
		for (; i + 4 <= n; i += 4) {
			v128_t bytes = step ? wasm_v128_load32_zero(c + i) : wasm_v128_load8_splat(c);
			v128_t mask = wasm_i32x4_ne(wasm_u32x4_extend_low_u16x8(wasm_u16x8_extend_low_u8x16(bytes)), zero);
			v128_t yes = step_a ? wasm_v128_load(p + i) : wasm_v128_load32_splat(p);
			v128_t no = step_b ? wasm_v128_load(q + i) : wasm_v128_load32_splat(q);
			wasm_v128_store(y + i, wasm_v128_bitselect(yes, no, mask));
		}
		for (; i < n; i++) y[i] = c[i * step] ? p[i * step_a] : q[i * step_b];
	}
}
