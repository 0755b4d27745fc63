// y = W x for BitStack's blocks, by lookup: y = sum over blocks and ranks of u (S (v x)), where a nibble of signs picks the signed sum of four
// elements of v x from a table. Entries are rounded to 7 bits, with a unit for each 128 columns, and biased by 64, so that two of them
// add up in a byte. Each thread makes the tables it reads: they are of this weight alone.
#include "bitstack.h"
#include "lookup.h"
#include "share.h"
#include "signed_sums.h"

// 32 tables of 128 columns, and their unit.
#define BLOCK 128
#define UNIT (4 * BLOCK)
#define TABLE_BYTES (UNIT + 16)
#define LARGEST_ENTRY 63

// The tables of v x, columns padded to a multiple of 64.
INLINE void put_tables(u8 *out, const f32 *x, const u16 *v, i32 columns) {
	for (i32 at = 0; at < padded_columns(columns); at += BLOCK, out += TABLE_BYTES) {
		i32 end = at + BLOCK < padded_columns(columns) ? at + BLOCK : padded_columns(columns);
		v128_t extent = no_extent();
		for (i32 c = at; c < end; c += 4) extent = extend_to(extent, largest_sum(wasm_f32x4_mul(load_inputs(x, c, columns), load_factors(v + c))));
		f32 largest = largest_of(extent);
		v128_t inverse = inverse_of(largest, LARGEST_ENTRY);
		for (i32 c = at; c < end; c += 4) {
			v128_t scaled = wasm_f32x4_mul(wasm_f32x4_mul(load_inputs(x, c, columns), load_factors(v + c)), inverse);
			wasm_v128_store(out + 4 * (c - at), wasm_i8x16_add(narrow_sums(signed_sums(scaled)), wasm_i8x16_splat(LARGEST_ENTRY + 1)));
		}
		*(f32 *)(out + UNIT) = largest / LARGEST_ENTRY;
	}
}

// Adds those of 16 rows and 64 columns.
INLINE Sum add_octets(Sum sum, const u8 *signs, const u8 *tables) {
	v128_t mask = wasm_i8x16_splat(15);
	UNROLL for (i32 o = 0; o < 8; o++) {
		v128_t v = wasm_v128_load(signs + 16 * o), low = wasm_v128_and(v, mask), high = wasm_v128_and(wasm_u16x8_shr(v, 4), mask);
		sum = add_entries(sum, wasm_i8x16_add(pick(wasm_v128_load(tables + 32 * o), low), pick(wasm_v128_load(tables + 32 * o + 16), high)));
		KEEP(sum.all);
		KEEP(sum.high);
		IN_ORDER;
	}
	return sum;
}

// S (v x) of 16 rows.
INLINE Rows sum_rows(const u8 *signs, const u8 *tables, i32 columns) {
	Rows total = zero_rows();
	ONE_BY_ONE for (i32 at = 0; at < columns; at += BLOCK, signs += 2 * BLOCK, tables += TABLE_BYTES) {
		i32 halves = at + BLOCK <= columns ? 2 : 1;
		Sum sum = add_octets(no_sum(), signs, tables);
		if (halves == 2) sum = add_octets(sum, signs + BLOCK, tables + UNIT / 2);
		sum = parts_of_sum(sum, halves * 16 * (LARGEST_ENTRY + 1));
		Rows block = rows_from_i16(wasm_i16x8_shuffle(sum.all, sum.high, 0, 8, 1, 9, 2, 10, 3, 11), wasm_i16x8_shuffle(sum.all, sum.high, 4, 12, 5, 13, 6, 14, 7, 15));
		v128_t unit = wasm_v128_load32_splat(tables + UNIT);
		UNROLL for (i32 q = 0; q < 4; q++) total.q[q] = wasm_f32x4_add(total.q[q], wasm_f32x4_mul(block.q[q], unit));
	}
	return total;
}

// scratch: bits x rank x 528 bytes for each 128 columns.
KERNEL(matvec_bitstack)(f32 *y, const f32 *x, const u32 *parts, u8 *scratch, i32 rows, i32 columns, i32 bits, i32 rank, i32 thread, i32 threads) {
	Share blocks = share_of(ceil_divide(rows, 16), thread, threads);
	i32 wide = padded_columns(columns), tall = padded_rows(rows), tables = ceil_divide(wide, BLOCK) * TABLE_BYTES;
	for (i32 b = 0; b < bits; b++)
		for (i32 k = 0; k < rank; k++) put_tables(scratch + (b * rank + k) * tables, x, stack_of(parts, b).inputs + k * wide, columns);
	for (i32 row = 16 * blocks.first; row < 16 * blocks.end; row += 16) {
		Rows total = zero_rows();
		for (i32 b = 0; b < bits; b++) {
			Stack stack = stack_of(parts, b);
			for (i32 k = 0; k < rank; k++) {
				Rows sum = sum_rows(stack.signs + row * wide / 8, scratch + (b * rank + k) * tables, wide);
				UNROLL for (i32 q = 0; q < 4; q++)
					total.q[q] = wasm_f32x4_add(total.q[q], wasm_f32x4_mul(sum.q[q], load_factors(stack.outputs + k * tall + row + 4 * q)));
			}
		}
		store_rows(y + row, total, rows - row);
	}
}
