// Statistics of the inputs of a product, at compile time: the Gram matrix H += Σ_t x_t x_tᵀ, f32.
//
// Panels of eight columns are packed first, [panel][token][8], so that the sums read memory in order. Only the blocks on and above the
// diagonal are computed; `mirror_f32` makes the rest. `columns` is any number; h is [columns][columns]. Threads take rows of blocks in turn,
// so that each has as much of the triangle; each packs for itself.
#include "dot_rows.h"

#define PANEL_COLUMNS 8

INLINE i32 panels_of(i32 columns) { return ceil_divide(columns, PANEL_COLUMNS); }

// Of x, or of x − less where there is one.
INLINE void pack_panels(f32 *packed, const f32 *x, const f32 *less, i32 tokens, i32 columns) {
	for (i32 panel = 0; panel < panels_of(columns); panel++) {
		for (i32 t = 0; t < tokens; t++, packed += PANEL_COLUMNS) {
			UNROLL for (i32 q = 0; q < PANEL_COLUMNS; q += 4) {
				v128_t v = load_inputs(x + t * columns, PANEL_COLUMNS * panel + q, columns);
				if (less) v = wasm_f32x4_sub(v, load_inputs(less + t * columns, PANEL_COLUMNS * panel + q, columns));
				wasm_v128_store(packed + q, v);
			}
		}
	}
}

// Four rows by eight columns of H: 8 sums, 2 vectors and 1 splat stay in registers.
INLINE void add_tile(f32 *h, const f32 *a, const f32 *b, i32 tokens, i32 stride, i32 rows, i32 count) {
	v128_t low[4], high[4];
	UNROLL for (i32 k = 0; k < 4; k++) low[k] = high[k] = wasm_f32x4_splat(0);
	ONE_BY_ONE for (i32 t = 0; t < tokens; t++, a += PANEL_COLUMNS, b += PANEL_COLUMNS) {
		v128_t b0 = wasm_v128_load(b), b1 = wasm_v128_load(b + 4);
		UNROLL for (i32 k = 0; k < 4; k++) {
			v128_t v = wasm_v128_load32_splat(a + k);
			low[k] = wasm_f32x4_add(low[k], wasm_f32x4_mul(v, b0));
			high[k] = wasm_f32x4_add(high[k], wasm_f32x4_mul(v, b1));
		}
	}
	UNROLL for (i32 k = 0; k < 4; k++) if (k < rows) {
		f32 *to = h + k * stride;
		store_quad(to, wasm_f32x4_add(load_inputs(to, 0, count), low[k]), count);
		if (count > 4) store_quad(to + 4, wasm_f32x4_add(load_inputs(to, 4, count), high[k]), count - 4);
	}
}

// scratch: 8 ceil(columns / 8) tokens f32.
KERNEL(gram_f32)(f32 *h, const f32 *x, f32 *scratch, i32 tokens, i32 columns, i32 thread, i32 threads) {
	pack_panels(scratch, x, 0, tokens, columns);
	i32 panel = PANEL_COLUMNS * tokens;
	for (i32 i = 4 * thread; i < columns; i += 4 * threads) {
		const f32 *a = scratch + i / PANEL_COLUMNS * panel + i % PANEL_COLUMNS;
		for (i32 j = i / PANEL_COLUMNS * PANEL_COLUMNS; j < columns; j += PANEL_COLUMNS) {
			add_tile(h + i * columns + j, a, scratch + j / PANEL_COLUMNS * panel, tokens, columns, columns - i, columns - j);
		}
	}
}

// c += Σ_t a_t (b_t − a_t)ᵀ, [columns][columns]: what vectors a lack of b. The difference first: it is nothing where they agree, and stays so. scratch: 16 ceil(columns / 8) tokens f32.
KERNEL(cross_gram_f32)(f32 *c, const f32 *a, const f32 *b, f32 *scratch, i32 tokens, i32 columns, i32 thread, i32 threads) {
	i32 panel = PANEL_COLUMNS * tokens;
	f32 *packed = scratch + panels_of(columns) * panel;
	pack_panels(scratch, a, 0, tokens, columns);
	pack_panels(packed, b, a, tokens, columns);
	for (i32 i = 4 * thread; i < columns; i += 4 * threads) {
		const f32 *from = scratch + i / PANEL_COLUMNS * panel + i % PANEL_COLUMNS;
		for (i32 j = 0; j < columns; j += PANEL_COLUMNS) {
			add_tile(c + i * columns + j, from, packed + j / PANEL_COLUMNS * panel, tokens, columns, columns - i, columns - j);
		}
	}
}

// Below the diagonal what is above it, all times `factor`.
KERNEL(mirror_f32)(f32 *h, i32 columns, f32 factor) {
	for (i32 i = 0; i < columns; i++) {
		for (i32 j = i; j < columns; j++) {
			f32 value = h[i * columns + j] * factor;
			h[i * columns + j] = value;
			h[j * columns + i] = value;
		}
	}
}

// Σ_i d[i] (h_i · d) of `rows` rows d, for which H is read once.
INLINE void quadratic_rows(f32 *loss, const f32 *d, const f32 *h, i32 rows, i32 columns) {
	UNROLL for (i32 r = 0; r < rows; r++) loss[r] = 0;
	for (i32 i = 0; i < columns; i++) {
		Dots dots = dot_rows(d, h + i * columns, rows, columns, columns);
		UNROLL for (i32 r = 0; r < rows; r++) loss[r] += dots.of[r] * d[r * columns + i];
	}
}

// loss[r] = d_r H d_rᵀ for each row of d [rows][columns]: what an error d of a weight's row costs its outputs, summed over the inputs of H.
KERNEL(quadratic_f32)(f32 *loss, const f32 *d, const f32 *h, i32 rows, i32 columns) {
	i32 r = 0;
	for (; r + MOST_DOTS <= rows; r += MOST_DOTS) quadratic_rows(loss + r, d + r * columns, h, MOST_DOTS, columns);
	for (; r < rows; r++) quadratic_rows(loss + r, d + r * columns, h, 1, columns);
}
