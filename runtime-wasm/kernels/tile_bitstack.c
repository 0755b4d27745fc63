// y = x Wᵀ + bias for BitStack's blocks and many tokens: 16 rows are decoded into scratch [columns][16], then multiplied in f32. Threads share
// blocks of rows.
#include "bitstack.h"
#include "share.h"
#include "tile.h"

// Adds a column of 16 rows: `magnitudes`, negative where bit i of a byte of `signs` is clear.
INLINE void add_signed(f32 *to, Rows magnitudes, v128_t signs, i32 i) {
	v128_t clear = wasm_v128_andnot(wasm_i8x16_splat((i8)(1 << i)), signs);
	v128_t low = wasm_u16x8_extend_low_u8x16(clear), high = wasm_u16x8_extend_high_u8x16(clear);
	v128_t flips[4] = {wasm_u32x4_extend_low_u16x8(low), wasm_u32x4_extend_high_u16x8(low), wasm_u32x4_extend_low_u16x8(high), wasm_u32x4_extend_high_u16x8(high)};
	UNROLL for (i32 q = 0; q < 4; q++) {
		v128_t value = wasm_v128_xor(magnitudes.q[q], wasm_i32x4_shl(flips[q], 31 - i));
		wasm_v128_store(to + 4 * q, wasm_f32x4_add(wasm_v128_load(to + 4 * q), value));
	}
}

// Adds 16 rows of one block.
INLINE void add_stack(f32 *tile, const Stack *s, i32 row, i32 columns, i32 wide, i32 tall, i32 rank) {
	for (i32 c = 0; c < columns; c += 8) {
		v128_t signs = wasm_v128_load(s->signs + row * wide / 8 + 2 * c);
		UNROLL for (i32 i = 0; i < 8; i++) {
			if (c + i >= columns) break;
			Rows sum = zero_rows();
			for (i32 k = 0; k < rank; k++) {
				v128_t v = wasm_f32x4_splat(factor_at(s->inputs + k * wide + c + i));
				UNROLL for (i32 q = 0; q < 4; q++) sum.q[q] = wasm_f32x4_add(sum.q[q], wasm_f32x4_mul(load_factors(s->outputs + k * tall + row + 4 * q), v));
			}
			add_signed(tile + 16 * (c + i), sum, signs, i);
		}
	}
}

// scratch: 16 columns f32.
KERNEL(tile_bitstack)(f32 *y, const f32 *x, const u32 *parts, const f32 *bias, f32 *scratch, i32 tokens, i32 rows, i32 columns, i32 bits, i32 rank, i32 thread, i32 threads) {
	Share blocks = share_of(ceil_divide(rows, 16), thread, threads);
	i32 wide = padded_columns(columns), tall = padded_rows(rows);
	for (i32 block = blocks.first; block < blocks.end; block++) {
		i32 row = 16 * block;
		for (i32 i = 0; i < 16 * columns; i += 4) wasm_v128_store(scratch + i, wasm_f32x4_splat(0));
		for (i32 b = 0; b < bits; b++) {
			Stack stack = stack_of(parts, b);
			add_stack(scratch, &stack, row, columns, wide, tall, rank);
		}
		multiply_tile(y + row, x, scratch, bias ? bias + row : 0, tokens, rows, columns, rows - row < 16 ? rows - row : 16);
	}
}
