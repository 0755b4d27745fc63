// The integer product of the tile kernels: y[t, r] for 16 rows whose codes lie decoded in scratch, and any number of tokens, each in an
// integer form with blocks of 64 or 32 (the size that divides the group):
//   y = sum over groups of s A D - (s z / fraction) (A S),  D = sum u a,  S = sum a
// Every sum runs over the columns in order, so the number of tokens does not change a result.
//
// Scratch: the codes of each quad of columns as four vectors of four rows by four columns (wide: even and odd columns of each as
// 16-bit lanes); then for each group 16 scales, times 2^-112, and 16 products of scale and zero.
#pragma once
#include "dots.h"

typedef struct {
	u8 *codes;
	f32 *scales;
} Tile;

INLINE i32 quad_bytes(i32 bits) { return is_narrow(bits) ? 64 : 128; }

INLINE Tile tile_of(u8 *scratch, i32 bits, i32 columns) { return (Tile){scratch, (f32 *)(scratch + columns / 4 * quad_bytes(bits))}; }

INLINE void put_codes(u8 *out, i32 bits, Codes codes) {
	UNROLL for (i32 q = 0; q < 4; q++) {
		if (is_narrow(bits)) {
			wasm_v128_store(out + 16 * q, codes.q[q]);
		} else {
			Quad wide = wide_codes(codes.q[q]);
			wasm_v128_store(out + 32 * q, wide.even);
			wasm_v128_store(out + 32 * q + 16, wide.odd);
		}
	}
}

INLINE void put_scales(f32 *out, const u16 *scales, const u8 *zeros, f32 fraction) {
	Rows s = load_scales(scales), z = rows_from_u8(wasm_v128_load(zeros));
	UNROLL for (i32 q = 0; q < 4; q++) {
		wasm_v128_store(out + 4 * q, s.q[q]);
		wasm_v128_store(out + 16 + 4 * q, wasm_f32x4_mul(wasm_f32x4_mul(s.q[q], z.q[q]), wasm_f32x4_splat(1 / fraction)));
	}
}

// Adds what one block gives to vector `q` of the rows of one token.
INLINE v128_t add_sums(v128_t total, v128_t dots, const f32 *scales, i32 q, v128_t unit, v128_t inputs) {
	total = wasm_f32x4_add(total, wasm_f32x4_mul(wasm_f32x4_mul(wasm_v128_load(scales + 4 * q), unit), wasm_f32x4_convert_i32x4(dots)));
	return wasm_f32x4_sub(total, wasm_f32x4_mul(wasm_v128_load(scales + 16 + 4 * q), inputs));
}

// Four tokens by 8 rows: 8 sums, 2 weights and an input fit the 16 registers of SSE and AVX.
INLINE void block_narrow(v128_t total[4][2], const u8 *codes, const f32 *scales, const u8 *const x[4], i32 half, i32 bits, i32 size) {
	v128_t dots[4][2], ones = wasm_i16x8_splat(1);
	UNROLL for (i32 t = 0; t < 4; t++) dots[t][0] = dots[t][1] = wasm_i32x4_splat(0);
	ONE_BY_ONE for (i32 h = 0; h < size / 4; h += steps_of(bits)) {
		v128_t pairs[4][2];
		UNROLL for (i32 k = 0; k < steps_of(bits); k++) {
			const u8 *w = codes + 64 * (h + k) + 32 * half;
			v128_t a = wasm_v128_load(w), b = wasm_v128_load(w + 16);
			UNROLL for (i32 t = 0; t < 4; t++) {
				v128_t inputs = wasm_v128_load32_splat(x[t] + 4 * (h + k));
				v128_t low = pair_products(inputs, a), high = pair_products(inputs, b);
				pairs[t][0] = k == 0 ? low : wasm_i16x8_add(pairs[t][0], low);
				pairs[t][1] = k == 0 ? high : wasm_i16x8_add(pairs[t][1], high);
			}
		}
		UNROLL for (i32 t = 0; t < 4; t++) {
			dots[t][0] = add_dot(dots[t][0], pairs[t][0], ones);
			dots[t][1] = add_dot(dots[t][1], pairs[t][1], ones);
		}
	}
	UNROLL for (i32 t = 0; t < 4; t++) {
		const u8 *end = x[t] + size;
		v128_t unit = wasm_v128_load32_splat(end), inputs = wasm_f32x4_splat(*(const f32 *)end * (f32) * (const i32 *)(end + 4));
		UNROLL for (i32 q = 0; q < 2; q++) total[t][q] = add_sums(total[t][q], dots[t][q], scales, 2 * half + q, unit, inputs);
	}
}

// Two tokens by 16 rows, since widening an input costs as much as using it.
INLINE void block_wide(v128_t total[2][4], const u8 *codes, const f32 *scales, const u8 *const x[2], i32 bits, i32 size) {
	v128_t dots[2][4];
	UNROLL for (i32 t = 0; t < 2; t++) UNROLL for (i32 q = 0; q < 4; q++) dots[t][q] = wasm_i32x4_splat(0);
	ONE_BY_ONE for (i32 h = 0; h < size / 4; h++) {
		Quad a = wide_inputs(bits, x[0], h), b = wide_inputs(bits, x[1], h);
		UNROLL for (i32 q = 0; q < 4; q++) {
			v128_t even = wasm_v128_load(codes + 128 * h + 32 * q), odd = wasm_v128_load(codes + 128 * h + 32 * q + 16);
			dots[0][q] = add_dot(add_dot(dots[0][q], even, a.even), odd, a.odd);
			dots[1][q] = add_dot(add_dot(dots[1][q], even, b.even), odd, b.odd);
		}
	}
	UNROLL for (i32 t = 0; t < 2; t++) {
		const u8 *end = x[t] + size * input_bytes(bits);
		v128_t unit = wasm_v128_load32_splat(end), inputs = wasm_f32x4_splat(*(const f32 *)end * (f32) * (const i32 *)(end + 4));
		UNROLL for (i32 q = 0; q < 4; q++) total[t][q] = add_sums(total[t][q], dots[t][q], scales, q, unit, inputs);
	}
}

typedef struct {
	i32 tokens, rows, groups, group, size, stride;
} Product;

// Of tokens past the last the last one is computed again, and not stored.
INLINE const u8 *token_at(const u8 *x, const Product *p, i32 t) { return x + (t < p->tokens ? t : p->tokens - 1) * p->stride; }

INLINE void multiply_narrow(f32 *y, const u8 *x, Tile tile, const Product *p, i32 bits, i32 count) {
	for (i32 t = 0; t < p->tokens; t += 4) {
		ONE_BY_ONE for (i32 half = 0; half < 2; half++) {
			v128_t total[4][2];
			UNROLL for (i32 k = 0; k < 4; k++) total[k][0] = total[k][1] = wasm_f32x4_splat(0);
			const u8 *inputs[4] = {token_at(x, p, t), token_at(x, p, t + 1), token_at(x, p, t + 2), token_at(x, p, t + 3)};
			const u8 *codes = tile.codes;
			for (i32 g = 0; g < p->groups; g++) {
				for (i32 b = 0; b < p->group; b += p->size, codes += 16 * p->size) {
					block_narrow(total, codes, tile.scales + 32 * g, inputs, half, bits, p->size);
					UNROLL for (i32 k = 0; k < 4; k++) inputs[k] += form_bytes(bits, p->size);
				}
			}
			UNROLL for (i32 k = 0; k < 4; k++) {
				if (t + k >= p->tokens) continue;
				f32 *out = y + (t + k) * p->rows + 8 * half;
				store_quad(out, wasm_f32x4_mul(total[k][0], wasm_f32x4_splat(TWO_56)), count - 8 * half);
				store_quad(out + 4, wasm_f32x4_mul(total[k][1], wasm_f32x4_splat(TWO_56)), count - 8 * half - 4);
			}
		}
	}
}

INLINE void multiply_wide(f32 *y, const u8 *x, Tile tile, const Product *p, i32 bits, i32 count) {
	for (i32 t = 0; t < p->tokens; t += 2) {
		v128_t total[2][4];
		UNROLL for (i32 q = 0; q < 4; q++) total[0][q] = total[1][q] = wasm_f32x4_splat(0);
		const u8 *inputs[2] = {token_at(x, p, t), token_at(x, p, t + 1)}, *codes = tile.codes;
		for (i32 g = 0; g < p->groups; g++) {
			for (i32 b = 0; b < p->group; b += p->size, codes += 32 * p->size) {
				block_wide(total, codes, tile.scales + 32 * g, inputs, bits, p->size);
				UNROLL for (i32 k = 0; k < 2; k++) inputs[k] += form_bytes(bits, p->size);
			}
		}
		UNROLL for (i32 k = 0; k < 2; k++) {
			if (t + k >= p->tokens) continue;
			UNROLL for (i32 q = 0; q < 4; q++) store_quad(y + (t + k) * p->rows + 4 * q, wasm_f32x4_mul(total[k][q], wasm_f32x4_splat(TWO_56)), count - 4 * q);
		}
	}
}

// y points to the first of the 16 rows, `count` of which exist.
INLINE void multiply_integer(f32 *y, const u8 *x, Tile tile, const Product *p, i32 bits, i32 count) {
	if (is_narrow(bits)) {
		multiply_narrow(y, x, tile, p, bits, count);
	} else {
		multiply_wide(y, x, tile, p, bits, count);
	}
}

INLINE Product product_of(i32 tokens, i32 rows, i32 columns, i32 bits, i32 group) {
	i32 size = group < 64 ? group : 64, blocks = group < 64 ? ceil_divide(columns, size) : 2 * ceil_divide(columns, 128);
	return (Product){tokens, rows, ceil_divide(columns, group), group, size, blocks * form_bytes(bits, size)};
}
