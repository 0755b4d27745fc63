// The online softmax of attention: what a query knows of the keys seen so far, and how scores of one more block become weights.
#pragma once
#include "code.h"
#include "storage.h"

// Positions in a block, a power of two: blocks begin at its multiples, so that a position's sums are cut alike in prefill and decode.
#define KEYS 64
// Queries of a kv head that take a block of keys one after the other, while it is in the nearest cache.
#define QUERIES 8

typedef struct {
	i32 batch, heads, kv_heads, queries, keys, past, width, value_width, causal, window;
	i32 q_row, k_batch, k_head, k_row, v_batch, v_head, v_row, bias_batch, bias_head, bias_row, bias_key, positions;
} Shape;

// Of one query: the largest score so far, the sum of the weights relative to it, and the factor of its raw products; of the block at
// hand, what sums over earlier blocks shrink by, and the value of one step where weights are integers.
typedef struct {
	f32 top, sum, scale, shrink, step;
} State;

// The keys [first, last) that a query may attend to, before padding and bias.
typedef struct {
	i32 first, last;
} Range;

INLINE i32 least(i32 a, i32 b) { return a < b ? a : b; }

// Reads a byte of each line of n rows of `bytes`, `row` bytes apart: one tight loop has many lines under way at a time, the products,
// which wait for the first use of each, only a few.
INLINE void touch_rows(const void *rows, i32 row, i32 n, i32 bytes) {
	ONE_BY_ONE for (i32 j = 0; j < n; j++) ONE_BY_ONE for (i32 c = 0; c < bytes; c += 64) {
		i32 byte = *((volatile const i8 *)rows + j * row + c);
		KEEP(byte);
	}
}

INLINE Range range_of(const Shape *s, i32 query) {
	i32 end = s->past + query + 1;
	return (Range){s->window > 0 && end > s->window ? end - s->window : 0, s->causal ? least(end, s->keys) : s->keys};
}

INLINE v128_t cap_f32x4(v128_t score, f32 softcap) {
	v128_t e = exp_f32x4(wasm_f32x4_mul(score, wasm_f32x4_splat(2 / softcap)));
	v128_t one = wasm_f32x4_splat(1);
	return wasm_f32x4_mul(wasm_f32x4_splat(softcap), wasm_f32x4_sub(one, wasm_f32x4_div(wasm_f32x4_splat(2), wasm_f32x4_add(e, one))));
}

// e^x for x <= 0, and for scores that are far below the largest: 0 below -88, e^0 is 1.
INLINE v128_t weight_f32x4(v128_t x) {
	return exp2_negative_f32x4(wasm_f32x4_pmax(wasm_f32x4_mul(x, wasm_f32x4_splat(1.44269504088896341f)), wasm_f32x4_splat(-127)));
}

// What is multiplied with or added to the scores of a block; each may be 0. A bias of one number for all keys has key 0, others key 1.
typedef struct {
	const f32 *key_scales, *padding, *bias;
	i32 bias_key;
	f32 softcap;
} Terms;

// Scaled scores of the keys [j, j + 4), all of which the query may attend to.
INLINE v128_t plain_score(const f32 *scores, i32 j, v128_t scale, Terms terms, i32 t0) {
	v128_t x = wasm_f32x4_mul(wasm_v128_load(scores + j), scale);
	if (terms.key_scales) x = wasm_f32x4_mul(x, wasm_v128_load(terms.key_scales + t0 + j));
	return terms.padding ? wasm_f32x4_add(x, wasm_v128_load(terms.padding + t0 + j)) : x;
}

// Of [j, j + 4) of n keys, some of which may be hidden.
INLINE v128_t any_score(const f32 *scores, i32 j, v128_t scale, Terms terms, i32 t0, i32 n, Range range) {
	v128_t x = wasm_f32x4_mul(wasm_v128_load(scores + j), scale);
	if (terms.key_scales) x = wasm_f32x4_mul(x, load_inputs(terms.key_scales + t0, j, n));
	if (terms.softcap != 0) x = cap_f32x4(x, terms.softcap);
	if (terms.padding) x = wasm_f32x4_add(x, load_inputs(terms.padding + t0, j, n));
	if (terms.bias) x = wasm_f32x4_add(x, terms.bias_key ? load_inputs(terms.bias + t0, j, n) : wasm_v128_load32_splat(terms.bias));
	v128_t t = wasm_i32x4_add(wasm_i32x4_splat(t0 + j), wasm_i32x4_make(0, 1, 2, 3));
	v128_t seen = wasm_v128_and(wasm_i32x4_ge(t, wasm_i32x4_splat(range.first)), wasm_i32x4_lt(t, wasm_i32x4_splat(least(range.last, t0 + n))));
	return wasm_v128_bitselect(x, wasm_f32x4_splat(-INFINITY_F32), seen);
}

typedef struct {
	v128_t sum, largest;
} Weights;

// Scores to weights relative to `base`, times `scales` where they are given, and added to what others gave.
INLINE Weights weigh_four(Weights all, f32 *scores, v128_t base, i32 scaled, v128_t scales) {
	v128_t w = weight_f32x4(wasm_f32x4_sub(wasm_v128_load(scores), base));
	all.sum = wasm_f32x4_add(all.sum, w);
	if (scaled) {
		w = wasm_f32x4_mul(w, scales);
		all.largest = wasm_f32x4_pmax(all.largest, w);
	}
	wasm_v128_store(scores, w);
	return all;
}

// Raw products of one query with the keys t0 .. t0 + n become weights relative to the state's new maximum; those past n become 0. With
// value_scales the weights are multiplied by them, and the step is the largest of these products. Whole sixteens share the constants.
INLINE void weigh(f32 *scores, i32 t0, i32 n, Range range, State *state, Terms terms, const f32 *value_scales) {
	v128_t best = wasm_f32x4_splat(-INFINITY_F32), scale = wasm_f32x4_splat(state->scale);
	if ((n & 15) == 0 && t0 >= range.first && t0 + n <= range.last && terms.softcap == 0 && !terms.bias)
		ONE_BY_ONE for (i32 i = 0; i < n; i += 16) UNROLL for (i32 j = i; j < i + 16; j += 4) {
			v128_t x = plain_score(scores, j, scale, terms, t0);
			wasm_v128_store(scores + j, x);
			best = wasm_f32x4_pmax(best, x);
		}
	else
		ONE_BY_ONE for (i32 j = 0; j < n; j += 4) {
			v128_t x = any_score(scores, j, scale, terms, t0, n, range);
			wasm_v128_store(scores + j, x);
			best = wasm_f32x4_pmax(best, x);
		}
	f32 top = max_f32x4(wasm_f32x4_pmax(wasm_f32x4_splat(state->top), best));
	// With every key hidden so far, all weights are 0 relative to any finite number.
	v128_t base = wasm_f32x4_splat(top == -INFINITY_F32 ? 0 : top);
	Weights all = {wasm_f32x4_splat(0), wasm_f32x4_splat(0)};
	if ((n & 15) == 0)
		ONE_BY_ONE for (i32 i = 0; i < n; i += 16) UNROLL for (i32 j = i; j < i + 16; j += 4) {
			all = weigh_four(all, scores + j, base, value_scales != 0, value_scales ? wasm_v128_load(value_scales + t0 + j) : base);
		}
	else
		ONE_BY_ONE for (i32 j = 0; j < n; j += 4) {
			all = weigh_four(all, scores + j, base, value_scales != 0, value_scales ? load_inputs(value_scales + t0, j, n) : base);
		}
	state->shrink = wasm_f32x4_extract_lane(weight_f32x4(wasm_f32x4_sub(wasm_f32x4_splat(state->top), base)), 0);
	state->sum = state->sum * state->shrink + sum_f32x4(all.sum);
	state->top = top;
	state->step = max_f32x4(all.largest);
}
