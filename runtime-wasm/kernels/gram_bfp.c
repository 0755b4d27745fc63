// The sums of gram.c in block floating point: of every column, the values of 64 vectors have one unit.
//
// Panels of eight columns are rounded first, [panel][block of 64 vectors]: [32][8 columns][2 vectors], then eight units. Threads take rows of
// blocks in turn, so that each has as much of the triangle; each rounds for itself.
#include "bfp.h"

#define PANEL_COLUMNS 8
#define PANEL_BYTES (2 * BFP_BLOCK * PANEL_COLUMNS + 4 * PANEL_COLUMNS)

INLINE v128_t load_value(const f32 *x, const f32 *less, i32 t, i32 tokens, i32 at, i32 columns) {
	if (t >= tokens) return wasm_f32x4_splat(0);
	v128_t v = load_inputs(x + t * columns, at, columns);
	return less ? wasm_f32x4_sub(v, load_inputs(less + t * columns, at, columns)) : v;
}

// Magnitudes from their bits; NaN for infinite ones, whose block is worth nothing.
INLINE v128_t magnitudes_of(v128_t extent) { return wasm_f32x4_add(extent, wasm_f32x4_sub(extent, extent)); }

// Of x, or of x − less where there is one: four columns of `tokens` vectors, at most a block of them.
INLINE void round_columns(u8 *to, f32 *units, const f32 *x, const f32 *less, i32 tokens, i32 at, i32 columns) {
	v128_t extent = no_extent(), limit = wasm_f32x4_splat(BFP_LIMIT), low = wasm_i32x4_splat(0xffff);
	for (i32 t = 0; t < tokens; t++) extent = extend_to(extent, load_value(x, less, t, tokens, at, columns));
	v128_t largest = magnitudes_of(extent);
	wasm_v128_store(units, wasm_f32x4_div(largest, limit));
	v128_t inverse = wasm_v128_and(wasm_f32x4_div(limit, largest), wasm_f32x4_gt(largest, wasm_f32x4_splat(0x1p-110f)));
	for (i32 t = 0; t < BFP_BLOCK; t += 2, to += 4 * PANEL_COLUMNS) {
		v128_t a = round_f32x4(wasm_f32x4_mul(load_value(x, less, t, tokens, at, columns), inverse));
		v128_t b = round_f32x4(wasm_f32x4_mul(load_value(x, less, t + 1, tokens, at, columns), inverse));
		wasm_v128_store(to, wasm_v128_or(wasm_v128_and(a, low), wasm_i32x4_shl(b, 16)));
	}
}

INLINE void round_panels(u8 *packed, const f32 *x, const f32 *less, i32 tokens, i32 columns) {
	for (i32 at = 0; at < columns; at += PANEL_COLUMNS) {
		for (i32 t = 0; t < tokens; t += BFP_BLOCK, packed += PANEL_BYTES) {
			i32 count = tokens - t < BFP_BLOCK ? tokens - t : BFP_BLOCK;
			f32 *units = (f32 *)(packed + PANEL_BYTES) - PANEL_COLUMNS;
			UNROLL for (i32 q = 0; q < PANEL_COLUMNS; q += 4) round_columns(packed + 4 * q, units + q, x + t * columns, less ? less + t * columns : 0, count, at + q, columns);
		}
	}
}

// Four rows by eight columns of H, from row `from` of a panel.
INLINE void add_tile(f32 *h, const u8 *a, i32 from, const u8 *b, i32 blocks, i32 stride, i32 rows, i32 count) {
	Block total;
	UNROLL EACH total.of[t][q] = wasm_f32x4_splat(0);
	for (i32 block = 0; block < blocks; block++, a += PANEL_BYTES, b += PANEL_BYTES) {
		const f32 *of_rows = (const f32 *)(a + PANEL_BYTES) - PANEL_COLUMNS + from, *of_columns = (const f32 *)(b + PANEL_BYTES) - PANEL_COLUMNS;
		add_dots(&total, dots_of(b, a + 4 * from, 4 * PANEL_COLUMNS), of_rows, of_columns);
	}
	UNROLL EACH if (t < rows && 4 * q < count) {
		f32 *to = h + t * stride;
		store_quad(to + 4 * q, wasm_f32x4_add(load_inputs(to, 4 * q, count), total.of[t][q]), count - 4 * q);
	}
}

// scratch: PANEL_BYTES for every 8 columns of every 64 vectors.
KERNEL(gram_bfp)(f32 *h, const f32 *x, u8 *scratch, i32 tokens, i32 columns, i32 thread, i32 threads) {
	i32 blocks = ceil_divide(tokens, BFP_BLOCK), panel = blocks * PANEL_BYTES;
	round_panels(scratch, x, 0, tokens, columns);
	for (i32 i = 4 * thread; i < columns; i += 4 * threads) {
		i32 own = i / PANEL_COLUMNS;
		for (i32 j = own; PANEL_COLUMNS * j < columns; j++) {
			i32 at = PANEL_COLUMNS * j;
			add_tile(h + i * columns + at, scratch + own * panel, i % PANEL_COLUMNS, scratch + j * panel, blocks, columns, columns - i, columns - at);
		}
	}
}

// c += Σ_t a_t (b_t − a_t)ᵀ; scratch: twice that of gram_bfp.
KERNEL(cross_gram_bfp)(f32 *c, const f32 *a, const f32 *b, u8 *scratch, i32 tokens, i32 columns, i32 thread, i32 threads) {
	i32 blocks = ceil_divide(tokens, BFP_BLOCK), panel = blocks * PANEL_BYTES;
	u8 *packed = scratch + ceil_divide(columns, PANEL_COLUMNS) * panel;
	round_panels(scratch, a, 0, tokens, columns);
	round_panels(packed, b, a, tokens, columns);
	for (i32 i = 4 * thread; i < columns; i += 4 * threads) {
		for (i32 at = 0; at < columns; at += PANEL_COLUMNS) {
			const u8 *from = scratch + i / PANEL_COLUMNS * panel;
			add_tile(c + i * columns + at, from, i % PANEL_COLUMNS, packed + at / PANEL_COLUMNS * panel, blocks, columns, columns - i, columns - at);
		}
	}
}
