// What the Kullback-Leibler divergence of predictions is made of, at compile time. Threads share rows.
#include "code.h"
#include "math.h"

// Columns that are summed in f32; for a whole vocabulary that would be too coarse.
#define RUN 256

// Four of `n` logits less the largest, x + i on; behind the end -inf, whose exponential is 0.
INLINE v128_t below_top(const f32 *x, i32 i, i32 n, v128_t top) {
	v128_t lanes = wasm_i32x4_add(wasm_i32x4_splat(i), wasm_i32x4_make(0, 1, 2, 3));
	return wasm_v128_bitselect(wasm_f32x4_sub(load_inputs(x, i, n), top), wasm_f32x4_splat(-INFINITY_F32), wasm_i32x4_lt(lanes, wasm_i32x4_splat(n)));
}

// For each row of reference and logits, [rows][columns], the sums e^x, e^y and e^x (x - y) in f64, [rows][3], where x and y are the elements
// less the largest of their row. The divergence is log (Σ e^y / Σ e^x) + Σ e^x (x - y) / Σ e^x.
KERNEL(divergence_f32)(f64 *sums, const f32 *reference, const f32 *logits, i32 rows, i32 columns, i32 thread, i32 threads) {
	Share share = share_of(rows, thread, threads);
	for (i32 row = share.first; row < share.end; row++) {
		const f32 *p = reference + row * columns, *q = logits + row * columns;
		v128_t zero = wasm_f32x4_splat(0), top = wasm_f32x4_splat(largest_f32(p, columns)), other = wasm_f32x4_splat(largest_f32(q, columns));
		f64 a = 0, b = 0, c = 0;
		for (i32 first = 0; first < columns; first += RUN) {
			i32 end = first + RUN < columns ? first + RUN : columns;
			v128_t as = zero, bs = zero, cs = zero;
			ONE_BY_ONE for (i32 i = first; i < end; i += 4) {
				v128_t x = below_top(p, i, end, top), y = below_top(q, i, end, other), e = exp_f32x4(x);
				as = wasm_f32x4_add(as, e);
				bs = wasm_f32x4_add(bs, exp_f32x4(y));
				// What is never predicted costs nothing, however far off it is.
				cs = wasm_f32x4_add(cs, wasm_v128_andnot(wasm_f32x4_mul(e, wasm_f32x4_sub(x, y)), wasm_f32x4_eq(e, zero)));
			}
			a += (f64)sum_f32x4(as), b += (f64)sum_f32x4(bs), c += (f64)sum_f32x4(cs);
		}
		sums[3 * row] = a, sums[3 * row + 1] = b, sums[3 * row + 2] = c;
	}
}
