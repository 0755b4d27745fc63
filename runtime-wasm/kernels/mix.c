// Weighted sums of vectors that lie side by side: y[r][c] = sum over s of factors[s] · x[r][s · columns + c], rows of x lying x_row elements
// apart.
#include "kernel.h"
#include "share.h"

// Threads share blocks of columns, since a decoder has one row.
#define BLOCK 64

KERNEL(mix_f32)(f32 *y, const f32 *x, const f32 *factors, i32 terms, i32 rows, i32 columns, i32 x_row, i32 thread, i32 threads) {
	Share share = share_of(rows * parts_of_row(columns, BLOCK), thread, threads);
	for (i32 unit = share.first; unit < share.end; unit++) {
		RowPart part = row_part(unit, columns, BLOCK);
		const f32 *from = x + part.row * x_row;
		f32 *to = y + part.row * columns;
		i32 c = part.first;
		for (; c + 4 <= part.end; c += 4) {
			v128_t sum = wasm_f32x4_splat(0);
			for (i32 s = 0; s < terms; s++)
				sum = wasm_f32x4_add(sum, wasm_f32x4_mul(wasm_f32x4_splat(factors[s]), wasm_v128_load(from + s * columns + c)));
			wasm_v128_store(to + c, sum);
		}
		for (; c < part.end; c++) {
			f32 sum = 0;
			for (i32 s = 0; s < terms; s++) sum += factors[s] * from[s * columns + c];
			to[c] = sum;
		}
	}
}
