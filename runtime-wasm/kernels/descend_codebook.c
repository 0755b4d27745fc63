// Vector codes that lose less than column feedback found, by descent as in descend_integers.c: each column's vectors in turn take the
// entries that are best beside all others as they are. The codebook stays.
#include "codebook.h"
#include "descent.h"
#include "nearest.h"

// As encode_codebook.c has them, `codes` changed in place; columns in the order in which they lie; h [columns][columns] is the Gram matrix.
// scratch: 48 columns f32.
KERNEL(descend_codebook)(u8 *codes, const f32 *w, const f32 *h, const f32 *book, f32 *scratch, i32 rows, i32 columns, i32 sweeps, i32 thread, i32 threads) {
	f32 *errors = scratch, *gradient = errors + 16 * columns, *values = gradient + 16 * columns;
	Share blocks = share_of(rows / 16, thread, threads);
	codes += 4 * columns * blocks.first, w += 16 * columns * blocks.first;
	for (i32 block = blocks.first; block < blocks.end; block++, codes += 4 * columns, w += 16 * columns) {
		for (i32 r = 0; r < 16; r++) {
			for (i32 j = 0; j < columns; j++) {
				values[16 * j + r] = book[(r % VECTOR) * ENTRIES + codes[4 * j + r / VECTOR]];
				errors[16 * j + r] = w[r * columns + j] - values[16 * j + r];
			}
		}
		gradient_of(gradient, errors, h, columns);
		for (i32 sweep = 0; sweep < sweeps; sweep++) {
			for (i32 j = 0; j < columns; j++) {
				v128_t inverse = wasm_f32x4_splat(1 / h[j * columns + j]);
				for (i32 q = 0; q < 4; q++) {
					f32 *value = values + 16 * j + 4 * q;
					v128_t before = wasm_v128_load(value);
					i32 k = nearest(wasm_f32x4_add(before, wasm_f32x4_mul(wasm_v128_load(gradient + 16 * j + 4 * q), inverse)), book);
					v128_t after = wasm_f32x4_make(book[k], book[ENTRIES + k], book[2 * ENTRIES + k], book[3 * ENTRIES + k]);
					wasm_v128_store(errors + 16 * j + 4 * q, wasm_f32x4_sub(after, before));
					wasm_v128_store(value, after);
					codes[4 * j + q] = (u8)k;
				}
				follow(gradient, errors + 16 * j, h + j * columns, columns);
			}
		}
	}
}
