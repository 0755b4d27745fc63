// y = x Wᵀ + bias for vector codes and many tokens: 16 rows are decoded into scratch [columns][16], behind the entries, then multiplied in
// f32. Threads share blocks of rows.
#include "codebook.h"
#include "share.h"
#include "tile.h"

// scratch: 1024 + 16 columns f32.
KERNEL(tile_codebook)(f32 *y, const f32 *x, const u32 *parts, const f32 *bias, f32 *scratch, i32 tokens, i32 rows, i32 columns, i32 thread, i32 threads) {
	Share blocks = share_of(ceil_divide(rows, 16), thread, threads);
	Codebook w = codebook_of(parts);
	widen_entries(scratch, w.entries);
	f32 *tile = scratch + VECTOR * ENTRIES;
	for (i32 block = blocks.first; block < blocks.end; block++) {
		i32 row = 16 * block;
		const u8 *codes = w.codes + 4 * block * columns;
		Rows scales = row_scales(w.scales + row);
		for (i32 c = 0; c < columns; c++)
			UNROLL for (i32 q = 0; q < 4; q++) wasm_v128_store(tile + 16 * c + 4 * q, wasm_f32x4_mul(entry_at(scratch, codes[4 * c + q]), scales.q[q]));
		multiply_tile(y + row, x, tile, bias ? bias + row : 0, tokens, rows, columns, rows - row < 16 ? rows - row : 16);
	}
}
