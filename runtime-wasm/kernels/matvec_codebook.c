// y = W x for vector codes: an entry times an input adds to four rows. Even and odd columns have sums of their own, so that one product
// need not wait for the other. Threads share blocks of rows.
#include "codebook.h"
#include "share.h"

INLINE void add_column(Rows *sum, const f32 *entries, const u8 *codes, const f32 *x) {
	v128_t v = wasm_v128_load32_splat(x);
	UNROLL for (i32 q = 0; q < 4; q++) sum->q[q] = wasm_f32x4_add(sum->q[q], wasm_f32x4_mul(entry_at(entries, codes[q]), v));
}

// scratch: 1024 f32.
KERNEL(matvec_codebook)(f32 *y, const f32 *x, const u32 *parts, f32 *scratch, i32 rows, i32 columns, i32 thread, i32 threads) {
	Share blocks = share_of(ceil_divide(rows, 16), thread, threads);
	Codebook w = codebook_of(parts);
	widen_entries(scratch, w.entries);
	for (i32 block = blocks.first; block < blocks.end; block++) {
		const u8 *codes = w.codes + 4 * block * columns;
		Rows even = zero_rows(), odd = zero_rows(), scales = row_scales(w.scales + 16 * block);
		i32 c = 0;
		for (; c + 2 <= columns; c += 2) {
			add_column(&even, scratch, codes + 4 * c, x + c);
			add_column(&odd, scratch, codes + 4 * c + 4, x + c + 1);
		}
		if (c < columns) add_column(&even, scratch, codes + 4 * c, x + c);
		UNROLL for (i32 q = 0; q < 4; q++) even.q[q] = wasm_f32x4_mul(wasm_f32x4_add(even.q[q], odd.q[q]), scales.q[q]);
		store_rows(y + 16 * block, even, rows - 16 * block);
	}
}
