// The entry of a codebook that is nearest to a vector.
#pragma once
#include "codebook.h"

// The greatest of four scores, the lowest entry of equals.
INLINE i32 best_lane(v128_t score, v128_t index) {
	f32 s = wasm_f32x4_extract_lane(score, 0);
	i32 best = wasm_i32x4_extract_lane(index, 0);
#define LANE_OF(k) \
	{ \
		f32 other = wasm_f32x4_extract_lane(score, k); \
		i32 at = wasm_i32x4_extract_lane(index, k); \
		if (other > s || (other == s && at < best)) s = other, best = at; \
	}
	LANE_OF(1)
	LANE_OF(2)
	LANE_OF(3)
	return best;
}

// The entry nearest to v: the greatest v e - |e|^2 / 2. book: [5][256], the four numbers of all entries, then their |e|^2 / 2.
INLINE i32 nearest(v128_t v, const f32 *book) {
	v128_t a = wasm_i32x4_shuffle(v, v, 0, 0, 0, 0), b = wasm_i32x4_shuffle(v, v, 1, 1, 1, 1);
	v128_t c = wasm_i32x4_shuffle(v, v, 2, 2, 2, 2), d = wasm_i32x4_shuffle(v, v, 3, 3, 3, 3);
	v128_t score = wasm_f32x4_splat(-__builtin_inff()), index = wasm_i32x4_splat(0), at = wasm_i32x4_make(0, 1, 2, 3);
	for (i32 k = 0; k < ENTRIES; k += 4, at = wasm_i32x4_add(at, wasm_i32x4_splat(4))) {
		v128_t x = wasm_f32x4_mul(a, wasm_v128_load(book + k)), y = wasm_f32x4_mul(b, wasm_v128_load(book + ENTRIES + k));
		v128_t z = wasm_f32x4_mul(c, wasm_v128_load(book + 2 * ENTRIES + k)), w = wasm_f32x4_mul(d, wasm_v128_load(book + 3 * ENTRIES + k));
		v128_t sum = wasm_f32x4_sub(wasm_f32x4_add(wasm_f32x4_add(x, y), wasm_f32x4_add(z, w)), wasm_v128_load(book + 4 * ENTRIES + k));
		index = wasm_v128_bitselect(at, index, wasm_f32x4_gt(sum, score));
		score = wasm_f32x4_pmax(score, sum);
	}
	return best_lane(score, index);
}
