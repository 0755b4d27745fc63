// y = W x for 4 to 8 bit integers: exact integer dot products with an integer form of the input, block by block:
//   y = sum over groups of s / fraction (A (fraction D - z S)),  D = sum u a,  S = sum a
// A vector of codes is four rows by four columns, and the sums of four rows land in its lanes.
#include "dots.h"

INLINE Sums add_narrow(Sums sum, const Slices *s, i32 bits, i32 at, const u8 *x) {
	v128_t pairs[4], fraction = wasm_i16x8_splat((i16)fraction_of(bits));
	UNROLL for (i32 h = 0; h < steps_of(bits); h++) {
		Codes codes = load_codes(s, bits, at + h);
		v128_t inputs = wasm_v128_load32_splat(x + 4 * h);
		UNROLL for (i32 q = 0; q < 4; q++) {
			v128_t products = pair_products(inputs, codes.q[q]);
			pairs[q] = h == 0 ? products : wasm_i16x8_add(pairs[q], products);
			KEEP(pairs[q]);
		}
		IN_ORDER;
	}
	UNROLL for (i32 q = 0; q < 4; q++) sum.q[q] = add_dot(sum.q[q], pairs[q], fraction);
	return sum;
}

// Codes of 4 bits need no bytes in between: a 16-bit lane holds two columns of two rows.
INLINE Sums add_nibbles(Sums sum, const u8 *nibbles, Quad inputs) {
	v128_t mask = wasm_i16x8_splat(15);
	UNROLL for (i32 k = 0; k < 2; k++) {
		v128_t v = wasm_v128_load(nibbles + 16 * k);
		sum.q[2 * k] = add_dot(sum.q[2 * k], wasm_v128_and(v, mask), inputs.even);
		sum.q[2 * k] = add_dot(sum.q[2 * k], wasm_v128_and(wasm_u16x8_shr(v, 8), mask), inputs.odd);
		sum.q[2 * k + 1] = add_dot(sum.q[2 * k + 1], wasm_v128_and(wasm_u16x8_shr(v, 4), mask), inputs.even);
		sum.q[2 * k + 1] = add_dot(sum.q[2 * k + 1], wasm_u16x8_shr(v, 12), inputs.odd);
	}
	return sum;
}

INLINE Sums add_wide(Sums sum, const Slices *s, i32 bits, i32 at, Quad inputs) {
	if (bits == 4) return add_nibbles(sum, s->high + 32 * at, inputs);
	Codes codes = load_codes(s, bits, at);
	UNROLL for (i32 q = 0; q < 4; q++) {
		Quad code = wide_codes(codes.q[q]);
		sum.q[q] = add_dot(add_dot(sum.q[q], code.even, inputs.even), code.odd, inputs.odd);
	}
	return sum;
}

// A (fraction D - z S) of one block.
INLINE Rows block_of(const Slices *s, i32 bits, i32 at, const u8 *x, i32 size, const v128_t *zeros) {
	const u8 *end = x + size * input_bytes(bits);
	v128_t none = wasm_i32x4_splat(0), unit = wasm_v128_load32_splat(end), inputs = wasm_v128_load32_splat(end + 4);
	Sums dots = {{none, none, none, none}};
	Rows block;
	if (is_narrow(bits)) {
		for (i32 h = 0; h < size / 4; h += steps_of(bits)) dots = add_narrow(dots, s, bits, at + h, x + 4 * h);
	} else {
		for (i32 h = 0; h < size / 4; h++) dots = add_wide(dots, s, bits, at + h, wide_inputs(bits, x, h));
	}
	UNROLL for (i32 q = 0; q < 4; q++) {
		v128_t d = is_narrow(bits) || fraction_of(bits) == 1 ? dots.q[q] : wasm_i32x4_shl(dots.q[q], 3);
		// A sum of int8 is a 16-bit operand, one of int16 is not.
		d = wasm_i32x4_sub(d, bits < 8 ? wasm_i32x4_dot_i16x8(zeros[q], inputs) : wasm_i32x4_mul(zeros[q], inputs));
		block.q[q] = wasm_f32x4_mul(wasm_f32x4_convert_i32x4(d), unit);
	}
	return block;
}

INLINE void matvec_scalar(f32 *y, const u8 *x, const u32 *parts, i32 rows, i32 columns, i32 bits, i32 group, i32 size, Share blocks) {
	i32 groups = ceil_divide(columns, group), halves = size / 4, at = group / 4 * groups * blocks.first;
	Slices s = slices_of(parts, bits);
	s.scales += 16 * groups * blocks.first;
	s.zeros += 16 * groups * blocks.first;
	for (i32 row = 16 * blocks.first; row < 16 * blocks.end; row += 16) {
		Rows total = zero_rows();
		const u8 *form = x;
		for (i32 g = 0; g < groups; g++, s.scales += 16, s.zeros += 16) {
			v128_t zeros[4], z = wasm_v128_load(s.zeros), low = wasm_u16x8_extend_low_u8x16(z), high = wasm_u16x8_extend_high_u8x16(z);
			zeros[0] = wasm_u32x4_extend_low_u16x8(low), zeros[1] = wasm_u32x4_extend_high_u16x8(low);
			zeros[2] = wasm_u32x4_extend_low_u16x8(high), zeros[3] = wasm_u32x4_extend_high_u16x8(high);
			Rows scales = load_scales(s.scales);
			ONE_BY_ONE for (i32 b = 0; b < group / size; b++, at += halves, form += form_bytes(bits, size)) {
				Rows block = block_of(&s, bits, at, form, size, zeros);
				add_times(&total, &block, &scales);
			}
		}
		UNROLL for (i32 q = 0; q < 4; q++) total.q[q] = wasm_f32x4_mul(total.q[q], wasm_f32x4_splat(TWO_56 / fraction_of(bits)));
		store_rows(y + row, total, rows - row);
	}
}

#define LONG(bits) \
	KERNEL(matvec_scalar##bits##_long)(f32 *y, const u8 *x, const u32 *parts, i32 rows, i32 columns, i32 group, i32 thread, i32 threads) { \
		matvec_scalar(y, x, parts, rows, columns, bits, group, 64, share_of(ceil_divide(rows, 16), thread, threads)); \
	}

LONG(4)
LONG(5)
LONG(8)

#define MATVEC(bits, group, size) \
	KERNEL(matvec_scalar##bits##_##group)(f32 *y, const u8 *x, const u32 *parts, i32 rows, i32 columns, i32 thread, i32 threads) { \
		matvec_scalar(y, x, parts, rows, columns, bits, group, size, share_of(ceil_divide(rows, 16), thread, threads)); \
	}
#define GROUPS(bits) MATVEC(bits, 32, 32) MATVEC(bits, 64, 64) MATVEC(bits, 128, 64)

GROUPS(4)
GROUPS(5)
GROUPS(6)
GROUPS(7)
GROUPS(8)
