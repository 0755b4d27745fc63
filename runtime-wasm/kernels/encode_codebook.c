// Rounds four rows of a column at a time to the nearest of 256 entries, column by column; what a column loses is made up for in the columns
// after it, as in encode_feedback.c. Also sums up, for each entry, what was rounded to it: the means are the next entries of k-means.
#include "codebook.h"
#include "feedback.h"
#include "nearest.h"

// w [rows][columns] in units of the rows' scales, rows a multiple of 16 of which `whole` are no padding; u [columns][columns] the factor of
// feedback_factor.c, or 0: then nothing is made up for. Columns are taken in `order`, which u follows. codes [row block][column][4].
// sums: [256][5], the four sums of an entry and its count, each vector counted as what its error costs; added to.
// scratch: 16 columns + 512 f32.
KERNEL(encode_codebook)(u8 *codes, f32 *sums, const f32 *w, const f32 *u, const i32 *order, const f32 *book, f32 *scratch, i32 rows, i32 whole, i32 columns) {
	f32 *weights = scratch, *errors = scratch + 16 * columns;
	for (i32 row = 0; row < rows; row += 16, codes += 4 * columns, w += 16 * columns) {
		for (i32 r = 0; r < 16; r++)
			for (i32 j = 0; j < columns; j++) weights[16 * j + r] = w[r * columns + order[j]];
		for (i32 j = 0; j < columns; j++) {
			f32 inverse = u ? 1 / u[j * columns + j] : 1;
			for (i32 q = 0; q < 4; q++) {
				v128_t v = wasm_v128_load(weights + 16 * j + 4 * q);
				i32 k = nearest(v, book);
				v128_t e = wasm_f32x4_make(book[k], book[ENTRIES + k], book[2 * ENTRIES + k], book[3 * ENTRIES + k]);
				codes[4 * order[j] + q] = (u8)k;
				wasm_v128_store(errors + 16 * (j % BLOCK) + 4 * q, wasm_f32x4_mul(wasm_f32x4_sub(v, e), wasm_f32x4_splat(inverse)));
				if (row + 4 * q + VECTOR <= whole) {
					f32 *sum = sums + 5 * k, importance = inverse * inverse;
					wasm_v128_store(sum, wasm_f32x4_add(wasm_v128_load(sum), wasm_f32x4_mul(v, wasm_f32x4_splat(importance))));
					sum[4] += importance;
				}
			}
			if (u) make_up_for(weights, errors, u, columns, j);
		}
	}
}
