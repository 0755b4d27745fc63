// Integer codes that lose less than column feedback found: each column in turn takes the codes that are best beside all others as they
// are, a few times over (coordinate descent, as QuantEase, arXiv 2309.01885, does from the start). Scales and zeros stay.
#include "descent.h"
#include "integer_fit.h"

// As encode_feedback.c has them, `codes` changed in place; h [inputs][inputs] is the Gram matrix that the factor inverts.
// scratch: 48 columns f32.
KERNEL(descend_integers)(u8 *codes, const u16 *scales, const u8 *zeros, const f32 *w, const f32 *h, f32 *scratch, i32 rows, i32 columns, i32 inputs, i32 group,
						 i32 bits, i32 fraction, i32 sweeps, i32 thread, i32 threads) {
	f32 *errors = scratch, *gradient = errors + 16 * columns, *values = gradient + 16 * columns;
	v128_t top = wasm_f32x4_splat((f32)((1 << bits) - 1));
	i32 groups = columns / group;
	Share blocks = share_of(rows / 16, thread, threads);
	codes += 16 * columns * blocks.first, w += 16 * columns * blocks.first, scales += 16 * groups * blocks.first, zeros += 16 * groups * blocks.first;
	for (i32 block = blocks.first; block < blocks.end; block++, codes += 16 * columns, w += 16 * columns, scales += 16 * groups, zeros += 16 * groups) {
		for (i32 r = 0; r < 16; r++) {
			for (i32 j = 0; j < inputs; j++) {
				i32 at = 16 * (j / group) + r;
				values[16 * j + r] = scale_of(scales[at]) * ((f32)codes[r * columns + j] - (f32)zeros[at] / (f32)fraction);
				errors[16 * j + r] = w[r * columns + j] - values[16 * j + r];
			}
		}
		gradient_of(gradient, errors, h, inputs);
		for (i32 sweep = 0; sweep < sweeps; sweep++) {
			for (i32 j = 0; j < inputs; j++) {
				const u16 *scale = scales + 16 * (j / group);
				const u8 *zero = zeros + 16 * (j / group);
				v128_t inverse = wasm_f32x4_splat(1 / h[j * inputs + j]);
				UNROLL for (i32 q = 0; q < 4; q++) {
					const u16 *four = scale + 4 * q;
					const u8 *z4 = zero + 4 * q;
					v128_t s = wasm_f32x4_make(scale_of(four[0]), scale_of(four[1]), scale_of(four[2]), scale_of(four[3]));
					v128_t z = wasm_f32x4_div(wasm_f32x4_make(z4[0], z4[1], z4[2], z4[3]), wasm_f32x4_splat((f32)fraction));
					v128_t before = wasm_v128_load(values + 16 * j + 4 * q);
					v128_t best = wasm_f32x4_add(before, wasm_f32x4_mul(wasm_v128_load(gradient + 16 * j + 4 * q), inverse));
					v128_t code = codes_of(best, wasm_f32x4_div(wasm_f32x4_splat(1), s), z, top);
					v128_t after = wasm_f32x4_mul(wasm_f32x4_sub(code, z), s);
					wasm_v128_store(errors + 16 * j + 4 * q, wasm_f32x4_sub(after, before));
					wasm_v128_store(values + 16 * j + 4 * q, after);
					store_column(codes + 4 * q * columns + j, code, columns);
				}
				follow(gradient, errors + 16 * j, h + j * inputs, inputs);
			}
		}
	}
}
