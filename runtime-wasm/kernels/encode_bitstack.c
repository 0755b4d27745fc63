// BitStack's blocks (arXiv 2410.23918): what a block takes from a residual, and the products with magnitudes by which its factors are found.
#include "bitstack.h"

INLINE v128_t magnitudes(const f32 *r) { return wasm_f32x4_abs(wasm_v128_load(r)); }

// The sum of |r| v over a row.
INLINE f32 dot_magnitudes(const f32 *r, const f32 *v, i32 columns) {
	v128_t sum = wasm_f32x4_splat(0);
	for (i32 c = 0; c < columns; c += 4) sum = wasm_f32x4_add(sum, wasm_f32x4_mul(magnitudes(r + c), wasm_v128_load(v + c)));
	return sum_f32x4(sum);
}

// u = v |r|ᵀ: u [rank][rows], v [rank][columns], r [rows][columns]; columns a multiple of 4.
KERNEL(magnitude_outputs)(f32 *u, const f32 *r, const f32 *v, i32 rows, i32 columns, i32 rank) {
	for (i32 row = 0; row < rows; row++)
		for (i32 k = 0; k < rank; k++) u[k * rows + row] = dot_magnitudes(r + row * columns, v + k * columns, columns);
}

// v = u |r|
KERNEL(magnitude_inputs)(f32 *v, const f32 *r, const f32 *u, i32 rows, i32 columns, i32 rank) {
	for (i32 i = 0; i < rank * columns; i += 4) wasm_v128_store(v + i, wasm_f32x4_splat(0));
	for (i32 row = 0; row < rows; row++, r += columns)
		for (i32 k = 0; k < rank; k++) {
			v128_t factor = wasm_f32x4_splat(u[k * rows + row]);
			f32 *to = v + k * columns;
			for (i32 c = 0; c < columns; c += 4) wasm_v128_store(to + c, wasm_f32x4_add(wasm_v128_load(to + c), wasm_f32x4_mul(factor, magnitudes(r + c))));
		}
}

// A normal half, or 0.
INLINE u16 factor_of(f32 x) { return __builtin_fabsf(x) < 0x1p-14f ? 0 : (u16)wasm_i16x8_extract_lane(f16_from_f32x4(wasm_f32x4_splat(x)), 0); }

// Takes a block from r [rows][columns], rows a multiple of 16 and columns of 64: outputs are dual |r|ᵀ as halfs, signs those of r.
// inputs and dual: [rank][columns]. scratch: `rank` f32.
KERNEL(encode_bitstack)(u8 *signs, u16 *outputs, f32 *r, const f32 *inputs, const f32 *dual, f32 *scratch, i32 rows, i32 columns, i32 rank) {
	for (i32 row = 0; row < rows; row++, r += columns) {
		for (i32 k = 0; k < rank; k++) {
			outputs[k * rows + row] = factor_of(dot_magnitudes(r, dual + k * columns, columns));
			scratch[k] = factor_at(outputs + k * rows + row);
		}
		u8 *to = signs + (row & -16) * columns / 8 + (row & 15);
		for (i32 c = 0; c < columns; c += 8, to += 16) {
			i32 negative = 0;
			UNROLL for (i32 h = 0; h < 2; h++) {
				v128_t value = wasm_v128_load(r + c + 4 * h), sum = wasm_f32x4_splat(0);
				for (i32 k = 0; k < rank; k++) sum = wasm_f32x4_add(sum, wasm_f32x4_mul(wasm_f32x4_splat(scratch[k]), wasm_v128_load(inputs + k * columns + c + 4 * h)));
				v128_t below = wasm_f32x4_lt(value, wasm_f32x4_splat(0)), flip = wasm_v128_and(below, wasm_i32x4_splat(1 << 31));
				negative |= (i32)wasm_i32x4_bitmask(below) << (4 * h);
				wasm_v128_store(r + c + 4 * h, wasm_f32x4_sub(value, wasm_v128_xor(sum, flip)));
			}
			*to = (u8)~negative;
		}
	}
}
