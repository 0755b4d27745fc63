// Rounds weights to integer codes, group by group, with the scale and zero point of least squared error.
//
// w ~ s (u - z / fraction), u in [0, 2^bits), s a positive normal f16 rounded before codes are chosen, z a byte. `fraction` is 8 where
// zero points count eighths of a code and 1 where they are whole. Candidates: the group's range (always around zero) and the
// symmetric range, each shrunk in steps down to `narrowest` of its width; the grids with zero on the middle code; then two
// least-squares refits of scale and zero to the best codes.
#include "code.h"
#include "math.h"
#include "scale.h"

typedef struct {
	f32 scale, zero, error;
} Fit;

INLINE v128_t codes_of(v128_t w, v128_t inverse, v128_t zero, v128_t top) {
	v128_t u = wasm_f32x4_nearest(wasm_f32x4_add(wasm_f32x4_mul(w, inverse), zero));
	return wasm_f32x4_pmin(wasm_f32x4_pmax(u, wasm_f32x4_splat(0)), top);
}

// Keeps the better of `best` and the grid (scale, zero), both rounded to what can be stored.
INLINE Fit try_grid(Fit best, const f32 *w, i32 group, f32 scale, f32 zero, f32 top, f32 fraction) {
	scale = scale_of(half_of(scale));
	f32 limit = 255 / fraction < top ? 255 / fraction : top;
	zero = __builtin_nearbyintf(zero * fraction) / fraction;
	zero = zero < 0 ? 0 : zero > limit ? limit : zero;
	v128_t s = wasm_f32x4_splat(scale), inverse = wasm_f32x4_splat(1 / scale), z = wasm_f32x4_splat(zero), t = wasm_f32x4_splat(top);
	v128_t even = wasm_f32x4_splat(0), odd = even;
	for (i32 i = 0; i < group; i += 8) {
		v128_t a = wasm_v128_load(w + i), b = wasm_v128_load(w + i + 4);
		v128_t da = wasm_f32x4_sub(wasm_f32x4_mul(wasm_f32x4_sub(codes_of(a, inverse, z, t), z), s), a);
		v128_t db = wasm_f32x4_sub(wasm_f32x4_mul(wasm_f32x4_sub(codes_of(b, inverse, z, t), z), s), b);
		even = wasm_f32x4_add(even, wasm_f32x4_mul(da, da));
		odd = wasm_f32x4_add(odd, wasm_f32x4_mul(db, db));
	}
	f32 error = sum_f32x4(wasm_f32x4_add(even, odd));
	return error < best.error ? (Fit){scale, zero, error} : best;
}

// The line through (code, weight) of least squared error gives a new scale and zero.
INLINE Fit refit(Fit best, const f32 *w, i32 group, f32 top, f32 fraction) {
	v128_t inverse = wasm_f32x4_splat(1 / best.scale), z = wasm_f32x4_splat(best.zero), t = wasm_f32x4_splat(top);
	v128_t su = wasm_f32x4_splat(0), sw = su, suu = su, suw = su;
	for (i32 i = 0; i < group; i += 4) {
		v128_t a = wasm_v128_load(w + i), u = codes_of(a, inverse, z, t);
		su = wasm_f32x4_add(su, u);
		sw = wasm_f32x4_add(sw, a);
		suu = wasm_f32x4_add(suu, wasm_f32x4_mul(u, u));
		suw = wasm_f32x4_add(suw, wasm_f32x4_mul(u, a));
	}
	f32 n = (f32)group, mu = sum_f32x4(su) / n, mw = sum_f32x4(sw) / n;
	f32 variance = sum_f32x4(suu) / n - mu * mu, covariance = sum_f32x4(suw) / n - mu * mw;
	if (!(variance > 0) || !(covariance > 0)) return best;
	f32 scale = covariance / variance;
	return try_grid(best, w, group, scale, mu - mw / scale, top, fraction);
}

INLINE Fit fit_group(const f32 *w, i32 group, f32 top, f32 fraction, f32 narrowest) {
	v128_t low = wasm_f32x4_splat(0), high = low;
	for (i32 i = 0; i < group; i += 4) {
		v128_t a = wasm_v128_load(w + i);
		low = wasm_f32x4_pmin(low, a);
		high = wasm_f32x4_pmax(high, a);
	}
	f32 min = -max_f32x4(wasm_f32x4_neg(low)), max = max_f32x4(high);
	f32 reach = max > -min ? max : -min, middle = (top + 1) / 2;
	Fit best = {LEAST_HALF, 0, __builtin_inff()};
	for (i32 k = 0; k < 8; k++) {
		f32 shrink = 1 - (1 - narrowest) * (f32)k / 7, scale = (max - min) * shrink / top;
		best = try_grid(best, w, group, scale, -min * shrink / (scale > LEAST_HALF ? scale : LEAST_HALF), top, fraction);
		best = try_grid(best, w, group, 2 * reach * shrink / top, top / 2, top, fraction);
	}
	// Grids of signed integers: the code at the far end is used by the sign that reaches further.
	best = try_grid(best, w, group, reach / middle, max > -min ? middle - 1 : middle, top, fraction);
	best = try_grid(best, w, group, reach / (middle - 1 > 0 ? middle - 1 : 1), middle, top, fraction);
	best = refit(best, w, group, top, fraction);
	return refit(best, w, group, top, fraction);
}

INLINE void store_codes(u8 *codes, const f32 *w, i32 group, Fit fit, f32 top) {
	v128_t inverse = wasm_f32x4_splat(1 / fit.scale), z = wasm_f32x4_splat(fit.zero), t = wasm_f32x4_splat(top);
	for (i32 i = 0; i < group; i += 16) {
		v128_t u[4];
		UNROLL for (i32 k = 0; k < 4; k++) u[k] = wasm_i32x4_trunc_sat_f32x4(codes_of(wasm_v128_load(w + i + 4 * k), inverse, z, t));
		wasm_v128_store(codes + i, wasm_u8x16_narrow_i16x8(wasm_i16x8_narrow_i32x4(u[0], u[1]), wasm_i16x8_narrow_i32x4(u[2], u[3])));
	}
}

// `columns` is a multiple of `group`, `rows` of 16. codes [rows][columns]; scales and zeros [row block][group][16].
KERNEL(encode_groups)(u8 *codes, u16 *scales, u8 *zeros, const f32 *w, i32 rows, i32 columns, i32 group, i32 bits, i32 fraction, f32 narrowest) {
	i32 groups = columns / group;
	f32 top = (f32)((1 << bits) - 1);
	for (i32 row = 0; row < rows; row++) {
		for (i32 g = 0; g < groups; g++, codes += group, w += group) {
			Fit fit = fit_group(w, group, top, (f32)fraction, narrowest);
			i32 at = ((row >> 4) * groups + g) * 16 + (row & 15);
			scales[at] = half_of(fit.scale);
			zeros[at] = (u8)(fit.zero * (f32)fraction);
			store_codes(codes, w, group, fit, top);
		}
	}
}
