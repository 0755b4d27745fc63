// Weights in block floating point, at compile time: w [rows][columns] into codes and units.
#include "bfp.h"

KERNEL(encode_bfp)(u8 *codes, f32 *units, const f32 *w, i32 rows, i32 columns, i32 thread, i32 threads) {
	i32 blocks = ceil_divide(columns, BFP_BLOCK);
	Share share = share_of(ceil_divide(rows, BFP_ROWS), thread, threads);
	for (i32 i = share.first * blocks; i < share.end * blocks; i++) {
		i32 row = i / blocks * BFP_ROWS, at = i % blocks * BFP_BLOCK;
		u8 *to = codes + i * BFP_CODES;
		f32 *own = units + i * BFP_ROWS;
		// Four rows lie beside the other four.
		for (i32 r = 0; r < BFP_ROWS; r += 4) round_block(to + 4 * r, 4 * BFP_ROWS, own + r, w + (row + r) * columns, rows - row - r, at, columns);
	}
}
