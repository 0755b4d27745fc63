// The factor of column feedback (GPTQ, arXiv 2210.17323): U, upper triangular, with H⁻¹ = Uᵀ U, H [n][n] symmetric and positive.
//
// Both indices reversed, H = L Lᵀ (Cholesky), and U is L⁻¹ with its indices reversed again; so H is never inverted as a whole. Four rows at a
// time: what stands in memory is then read a quarter as often.
#include "dot_rows.h"

// Rows `first` to `first + rows` of L. Returns the least pivot.
INLINE f32 decompose_rows(f32 *l, const f32 *h, i32 first, i32 rows, i32 n, f32 damping, f32 least) {
	f32 *li = l + first * n;
	const f32 *hi = h + (n - 1 - first) * n;
	for (i32 j = 0; j < first; j++) {
		Dots dots = dot_rows(li, l + j * n, rows, n, j);
		UNROLL for (i32 k = 0; k < rows; k++) li[k * n + j] = (hi[n - 1 - j - k * n] - dots.of[k]) / l[j * n + j];
	}
	for (i32 k = 0; k < rows; k++, li += n, hi -= n) {
		i32 i = first + k;
		for (i32 j = first; j < i; j++) li[j] = (hi[n - 1 - j] - dot_rows(li, l + j * n, 1, n, j).of[0]) / l[j * n + j];
		f32 d = hi[n - 1 - i] + damping - dot_rows(li, li, 1, n, i).of[0];
		if (!(d >= least)) least = d;
		li[i] = __builtin_sqrtf(d > 0 ? d : 1);
	}
	return least;
}

// Σ L[i, k] L⁻¹[k] over k < first, for `rows` rows i of L from `first` on, eight columns at a time.
INLINE void multiply_rows(f32 *sums, const f32 *l, i32 first, i32 rows, i32 n, i32 stride) {
	for (i32 j = 0; j < first; j += 8) {
		v128_t low[MOST_DOTS], high[MOST_DOTS];
		UNROLL for (i32 k = 0; k < rows; k++) low[k] = high[k] = wasm_f32x4_splat(0);
		const f32 *inverse = l + j * n + j, *factors = l + first * n + j;
		ONE_BY_ONE for (i32 at = j; at < first; at++, inverse += n, factors++) {
			v128_t a = wasm_v128_load(inverse), b = wasm_v128_load(inverse + 4);
			UNROLL for (i32 k = 0; k < rows; k++) {
				v128_t f = wasm_v128_load32_splat(factors + k * n);
				low[k] = muladd_f32x4(f, a, low[k]);
				high[k] = muladd_f32x4(f, b, high[k]);
			}
		}
		UNROLL for (i32 k = 0; k < rows; k++) {
			wasm_v128_store(sums + k * stride + j, low[k]);
			wasm_v128_store(sums + k * stride + j + 4, high[k]);
		}
	}
}

// Rows of L⁻¹, (e_i - Σ_{k<i} L[i, k] L⁻¹[k]) / L[i, i]; they take the place of rows of L, and have zeros behind the diagonal as far as
// multiply_rows reads.
INLINE void invert_rows(f32 *l, f32 *sums, i32 first, i32 rows, i32 n) {
	i32 stride = n + 8;
	multiply_rows(sums, l, first, rows, n, stride);
	for (i32 i = first; i < first + rows; i++, sums += stride) {
		f32 *li = l + i * n, inverse = 1 / li[i];
		for (i32 j = first; j < i; j++) sums[j] = 0;
		for (i32 k = first; k < i; k++)
			for (i32 j = 0; j <= k; j++) sums[j] += li[k] * l[k * n + j];
		for (i32 j = 0; j < i; j++) li[j] = -sums[j] * inverse;
		li[i] = inverse;
		for (i32 j = i + 1; j < n && j < i + 8; j++) li[j] = 0;
	}
}

// `damping` is added to the diagonal. scratch: n (n + 4) + 40 f32. `pivot` receives the least pivot: where it is not positive, H was not, and
// u is of no use.
KERNEL(feedback_factor)(f32 *u, f32 *pivot, const f32 *h, f32 *scratch, i32 n, f32 damping) {
	f32 *l = scratch, *sums = scratch + n * n;
	f32 least = __builtin_inff();
	i32 whole = n / MOST_DOTS * MOST_DOTS;
	for (i32 i = 0; i < whole; i += MOST_DOTS) least = decompose_rows(l, h, i, MOST_DOTS, n, damping, least);
	for (i32 i = whole; i < n; i++) least = decompose_rows(l, h, i, 1, n, damping, least);
	for (i32 i = 0; i < whole; i += MOST_DOTS) invert_rows(l, sums, i, MOST_DOTS, n);
	for (i32 i = whole; i < n; i++) invert_rows(l, sums, i, 1, n);
	for (i32 i = 0; i < n; i++)
		for (i32 j = 0; j < n; j++) u[i * n + j] = j < i ? 0 : l[(n - 1 - i) * n + n - 1 - j];
	*pivot = least;
}
