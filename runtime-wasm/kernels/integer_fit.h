// The scale and zero point of a group of integer codes by least squared error, each weight's counted `importance` times, or once.
//
// w ~ s (u - z / fraction), u in [0, 2^bits), s a positive normal f16 rounded before codes are chosen, z a byte. `fraction` is 8 where
// zero points count eighths of a code and 1 where they are whole. Candidates: the group's range (always around zero) and the
// symmetric range, each shrunk in steps down to `narrowest` of its width; the grids with zero on the middle code; then two
// least-squares refits of scale and zero to the best codes.
#pragma once
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

// Codes of four rows, each in its place in a row of `columns` bytes.
INLINE void store_column(u8 *to, v128_t code, i32 columns) {
	v128_t whole = wasm_i32x4_trunc_sat_f32x4(code);
	to[0] = (u8)wasm_i32x4_extract_lane(whole, 0);
	to[columns] = (u8)wasm_i32x4_extract_lane(whole, 1);
	to[2 * columns] = (u8)wasm_i32x4_extract_lane(whole, 2);
	to[3 * columns] = (u8)wasm_i32x4_extract_lane(whole, 3);
}

INLINE v128_t times_importance(v128_t v, const f32 *importance, i32 i) { return importance ? wasm_f32x4_mul(v, wasm_v128_load(importance + i)) : v; }

// Keeps the better of `best` and the grid (scale, zero), both rounded to what can be stored.
INLINE Fit try_grid(Fit best, const f32 *w, const f32 *importance, i32 group, f32 scale, f32 zero, f32 top, f32 fraction) {
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
		even = wasm_f32x4_add(even, times_importance(wasm_f32x4_mul(da, da), importance, i));
		odd = wasm_f32x4_add(odd, times_importance(wasm_f32x4_mul(db, db), importance, i + 4));
	}
	f32 error = sum_f32x4(wasm_f32x4_add(even, odd));
	return error < best.error ? (Fit){scale, zero, error} : best;
}

// The line through (code, weight) of least squared error gives a new scale and zero.
INLINE Fit refit(Fit best, const f32 *w, const f32 *importance, i32 group, f32 top, f32 fraction) {
	v128_t inverse = wasm_f32x4_splat(1 / best.scale), z = wasm_f32x4_splat(best.zero), t = wasm_f32x4_splat(top);
	v128_t su = wasm_f32x4_splat(0), sw = su, suu = su, suw = su, count = su;
	for (i32 i = 0; i < group; i += 4) {
		v128_t a = wasm_v128_load(w + i), u = codes_of(a, inverse, z, t);
		v128_t wu = times_importance(u, importance, i);
		count = wasm_f32x4_add(count, times_importance(wasm_f32x4_splat(1), importance, i));
		su = wasm_f32x4_add(su, wu);
		sw = wasm_f32x4_add(sw, times_importance(a, importance, i));
		suu = wasm_f32x4_add(suu, wasm_f32x4_mul(u, wu));
		suw = wasm_f32x4_add(suw, wasm_f32x4_mul(a, wu));
	}
	f32 n = sum_f32x4(count), mu = sum_f32x4(su) / n, mw = sum_f32x4(sw) / n;
	f32 variance = sum_f32x4(suu) / n - mu * mu, covariance = sum_f32x4(suw) / n - mu * mw;
	if (!(variance > 0) || !(covariance > 0)) return best;
	f32 scale = covariance / variance;
	return try_grid(best, w, importance, group, scale, mu - mw / scale, top, fraction);
}

INLINE Fit fit_group(const f32 *w, const f32 *importance, i32 group, f32 top, f32 fraction, f32 narrowest) {
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
		best = try_grid(best, w, importance, group, scale, -min * shrink / (scale > LEAST_HALF ? scale : LEAST_HALF), top, fraction);
		best = try_grid(best, w, importance, group, 2 * reach * shrink / top, top / 2, top, fraction);
	}
	// Grids of signed integers: the code at the far end is used by the sign that reaches further.
	best = try_grid(best, w, importance, group, reach / middle, max > -min ? middle - 1 : middle, top, fraction);
	best = try_grid(best, w, importance, group, reach / (middle - 1 > 0 ? middle - 1 : 1), middle, top, fraction);
	best = refit(best, w, importance, group, top, fraction);
	return refit(best, w, importance, group, top, fraction);
}
