// The codes of one column by Viterbi's algorithm: of all paths through the trellis that begin at the lead, that of least squared error. A state is a window without what does not count; a step shifts `bits` in, so
// that the states which share all but their highest `bits` go on to the same ones.
//
// Costs are u16 and saturate: a path that is so much worse than the best never becomes it. The lowest bits of a cost, as many as a row has at
// most, say which of the states that go on alike it is from, so that the least says so itself; what errors have there is cut off.
#pragma once
#include "trellis.h"

// u16 that a search works on: two costs of every state, the least of those that go on alike, and what states stand for.
#define SEARCH_WORDS (4 * STATES)

// The largest error.
#define FAR 255

// From about here on errors count less than they should, but still the more the larger they are: of weights that stand out, which no state
// comes near, the nearest is taken.
#define KNEE 191

// By how much errors are multiplied, over 2^shift, so that they count as much as their row: in a typical row, at least, and at most.
#define TYPICAL 128
#define LEAST_GAIN 16
#define MOST_GAIN 256

// Wants beyond what states stand for are taken for this.
#define OUTERMOST 256

typedef struct {
	u16 *costs, *least;
	i16 *values;
	u8 *from;
} Search;

INLINE i32 shift_of(i32 halves) { return halves < 8 ? 7 : halves < 9 ? 6 : 5; }

// The most bits of a row, set.
INLINE v128_t low_of(i32 halves) { return wasm_i16x8_splat((i16)((1 << (halves + 1) / 2) - 1)); }

// from: a byte for each row and each of STATES >> halves / 2.
INLINE Search search_of(u16 *work, u8 *from, i32 halves) {
	Search m = {work, work + 2 * STATES, (i16 *)work + 3 * STATES, from};
	for (i32 s = 0; s < STATES; s++) m.values[s] = (i16)value_of((u32)s, halves);
	return m;
}

// Of the states that go on alike with `bits` more, which costs least: into `least` and `from`. Returns the least of all.
INLINE u32 best_before(const Search *m, const u16 *costs, u8 *from, i32 halves, i32 bits) {
	i32 count = STATES >> bits;
	v128_t all = wasm_i16x8_splat(-1), low = low_of(halves);
	ONE_BY_ONE for (i32 j = 0; j < count; j += 16) {
		v128_t which[2];
		UNROLL for (i32 q = 0; q < 2; q++) {
			const u16 *cost = costs + j + 8 * q;
			v128_t best = wasm_v128_load(cost);
			UNROLL for (i32 t = 1; t < 1 << bits; t++) best = wasm_u16x8_min(best, wasm_v128_or(wasm_v128_load(cost + t * count), wasm_i16x8_splat((i16)t)));
			which[q] = wasm_v128_and(best, low);
			best = wasm_v128_andnot(best, low);
			all = wasm_u16x8_min(all, best);
			wasm_v128_store(m->least + j + 8 * q, best);
		}
		wasm_v128_store(from + j, wasm_u8x16_narrow_i16x8(which[0], which[1]));
	}
	all = wasm_u16x8_min(all, wasm_i64x2_shuffle(all, all, 1, 0));
	all = wasm_u16x8_min(all, wasm_i32x4_shuffle(all, all, 1, 0, 3, 2));
	u32 two = (u32)wasm_i32x4_extract_lane(all, 0), a = two & 0xffff, b = two >> 16;
	return a < b ? a : b;
}

// Lane `i` of v for each of the states that it goes on to: 8 of them from `first` on.
INLINE v128_t each_next(v128_t v, i32 first, i32 bits) {
	// Shuffles want constants.
	if (bits == 1) {
		if (first == 0) return wasm_i16x8_shuffle(v, v, 0, 0, 1, 1, 2, 2, 3, 3);
		return wasm_i16x8_shuffle(v, v, 4, 4, 5, 5, 6, 6, 7, 7);
	}
	if (bits == 2) {
		if (first == 0) return wasm_i16x8_shuffle(v, v, 0, 0, 0, 0, 1, 1, 1, 1);
		if (first == 8) return wasm_i16x8_shuffle(v, v, 2, 2, 2, 2, 3, 3, 3, 3);
		if (first == 16) return wasm_i16x8_shuffle(v, v, 4, 4, 4, 4, 5, 5, 5, 5);
		return wasm_i16x8_shuffle(v, v, 6, 6, 6, 6, 7, 7, 7, 7);
	}
	switch (first >> bits) {
	case 0: return wasm_i16x8_shuffle(v, v, 0, 0, 0, 0, 0, 0, 0, 0);
	case 1: return wasm_i16x8_shuffle(v, v, 1, 1, 1, 1, 1, 1, 1, 1);
	case 2: return wasm_i16x8_shuffle(v, v, 2, 2, 2, 2, 2, 2, 2, 2);
	case 3: return wasm_i16x8_shuffle(v, v, 3, 3, 3, 3, 3, 3, 3, 3);
	case 4: return wasm_i16x8_shuffle(v, v, 4, 4, 4, 4, 4, 4, 4, 4);
	case 5: return wasm_i16x8_shuffle(v, v, 5, 5, 5, 5, 5, 5, 5, 5);
	case 6: return wasm_i16x8_shuffle(v, v, 6, 6, 6, 6, 6, 6, 6, 6);
	default: return wasm_i16x8_shuffle(v, v, 7, 7, 7, 7, 7, 7, 7, 7);
	}
}

// The costs of all states after a row that wants `x`, less `base`; saturated ones stay so.
INLINE void extend_paths(const Search *m, u16 *costs, u32 base, i32 x, i32 gain, i32 halves, i32 bits) {
	i32 reach = (FAR << shift_of(halves)) / gain;
	v128_t want = wasm_i16x8_splat((i16)x), times = wasm_i16x8_splat((i16)gain), far = wasm_i16x8_splat((i16)(reach < FAR ? reach : FAR)), less = wasm_i16x8_splat((i16)base), low = low_of(halves), never = wasm_v128_not(low);
	ONE_BY_ONE for (i32 j = 0; j < STATES >> bits; j += 8) {
		v128_t before = wasm_v128_load(m->least + j), least = wasm_v128_or(wasm_i16x8_sub(before, less), wasm_i16x8_eq(before, never));
		UNROLL for (i32 b = 0; b < 8 << bits; b += 8) {
			i32 at = (j << bits) + b;
			v128_t distance = wasm_i16x8_abs(wasm_i16x8_sub(want, wasm_v128_load(m->values + at)));
			v128_t error = wasm_u16x8_shr(wasm_i16x8_mul(wasm_u16x8_min(distance, far), times), shift_of(halves));
			error = wasm_u16x8_min(error, wasm_i16x8_add(wasm_i16x8_splat(KNEE), wasm_u16x8_shr(distance, 2)));
			wasm_v128_store(costs + at, wasm_u16x8_add_sat(each_next(least, b, bits), wasm_v128_andnot(wasm_i16x8_mul(error, error), low)));
		}
	}
}

// All paths become longer by a row of `bits` that wants `x`.
INLINE void extend_by_row(const Search *m, const u16 *now, u16 *next, u8 *from, i32 x, i32 gain, i32 halves, i32 bits) {
	u32 base = best_before(m, now, from, halves, bits);
	extend_paths(m, next, base, x, gain, halves, bits);
}

// want: blocks of 16 rows, `stride` apart. got: one row behind the other. scales: of rows, of which `typical` is one.
// codes: bytes, of rows `columns` apart.
INLINE void search_column(u8 *codes, f32 *got, const f32 *want, const f32 *scales, f32 typical, Search m, i32 rows, i32 stride, i32 columns, i32 halves) {
	i32 count = STATES >> halves / 2;
	u16 *now = m.costs, *next = m.costs + STATES;
	for (i32 s = 0; s < STATES; s += 8) wasm_v128_store(now + s, wasm_v128_not(low_of(halves)));
	now[lead_of(halves)] = 0;
	ONE_BY_ONE for (i32 r = 0; r < rows; r++) {
		f32 x = __builtin_nearbyintf(want[(r >> 4) * stride + (r & 15)] / scales[r]);
		x = x < -OUTERMOST ? -OUTERMOST : x > OUTERMOST ? OUTERMOST : x;
		f32 gain = scales[r] / typical * TYPICAL;
		gain = gain < LEAST_GAIN ? LEAST_GAIN : gain > MOST_GAIN ? MOST_GAIN : gain;
		// Shuffles want constants.
		if (r & 1) extend_by_row(&m, now, next, m.from + r * count, (i32)x, (i32)gain, halves, bits_of(1, halves));
		else extend_by_row(&m, now, next, m.from + r * count, (i32)x, (i32)gain, halves, bits_of(0, halves));
		u16 *swap = now;
		now = next, next = swap;
	}
	i32 s = 0;
	for (i32 i = 1; i < STATES; i++)
		if (now[i] < now[s]) s = i;
	for (i32 r = rows - 1; r >= 0; r--) {
		i32 bits = bits_of(r & 1, halves);
		codes[r * columns] = (u8)(s & ((1 << bits) - 1));
		got[r] = (f32)value_of((u32)s, halves) * scales[r];
		s = m.from[r * count + (s >> bits)] << (STATE_BITS - bits) | s >> bits;
	}
}
