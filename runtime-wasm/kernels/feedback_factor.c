// The factor of column feedback (GPTQ, arXiv 2210.17323): U, upper triangular, with H⁻¹ = Uᵀ U, H [n][n] symmetric and positive.
//
// Both indices reversed, H = L Lᵀ (Cholesky), and U is L⁻¹ with its indices reversed again; so H is never inverted as a whole.
#include "code.h"
#include "math.h"

INLINE f32 dot(const f32 *a, const f32 *b, i32 n) {
	v128_t sum[4];
	UNROLL for (i32 k = 0; k < 4; k++) sum[k] = wasm_f32x4_splat(0);
	i32 i = 0;
	for (; i + 16 <= n; i += 16)
		UNROLL for (i32 k = 0; k < 4; k++) sum[k] = muladd_f32x4(wasm_v128_load(a + i + 4 * k), wasm_v128_load(b + i + 4 * k), sum[k]);
	f32 total = sum_f32x4(wasm_f32x4_add(wasm_f32x4_add(sum[0], sum[1]), wasm_f32x4_add(sum[2], sum[3])));
	for (; i < n; i++) total += a[i] * b[i];
	return total;
}

// to += factor * from
INLINE void add_scaled(f32 *to, const f32 *from, f32 factor, i32 n) {
	v128_t f = wasm_f32x4_splat(factor);
	i32 i = 0;
	for (; i + 4 <= n; i += 4) wasm_v128_store(to + i, muladd_f32x4(f, wasm_v128_load(from + i), wasm_v128_load(to + i)));
	for (; i < n; i++) to[i] += factor * from[i];
}

// `damping` is added to the diagonal. scratch: n (n + 1) f32. `pivot` receives the least pivot: where it is not positive, H was not, and
// u is of no use.
KERNEL(feedback_factor)(f32 *u, f32 *pivot, const f32 *h, f32 *scratch, i32 n, f32 damping) {
	f32 *l = scratch, *row = scratch + n * n;
	f32 least = __builtin_inff();
	for (i32 i = 0; i < n; i++) {
		f32 *li = l + i * n;
		const f32 *hi = h + (n - 1 - i) * n;
		for (i32 j = 0; j < i; j++) li[j] = (hi[n - 1 - j] - dot(li, l + j * n, j)) / l[j * n + j];
		f32 d = hi[n - 1 - i] + damping - dot(li, li, i);
		if (!(d >= least)) least = d;
		li[i] = __builtin_sqrtf(d > 0 ? d : 1);
	}
	// Row i of L⁻¹: (e_i - Σ_{k<i} L[i, k] L⁻¹[k]) / L[i, i]; it takes the place of row i of L.
	for (i32 i = 0; i < n; i++) {
		f32 *li = l + i * n, inverse = 1 / li[i];
		for (i32 j = 0; j < i; j++) row[j] = 0;
		for (i32 k = 0; k < i; k++) add_scaled(row, l + k * n, -li[k], k + 1);
		for (i32 j = 0; j < i; j++) li[j] = row[j] * inverse;
		li[i] = inverse;
	}
	for (i32 i = 0; i < n; i++)
		for (i32 j = 0; j < n; j++) u[i * n + j] = j < i ? 0 : l[(n - 1 - i) * n + n - 1 - j];
	*pivot = least;
}
