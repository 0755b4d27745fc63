// Chooses the next token from logits x [n], which become weights: repetition penalty on the `count` tokens of `history`, each there once
// (Keskar et al., arXiv 1909.05858), temperature, top K, top P (Holtzman et al., arXiv 1904.09751), min P, then a draw in the order of
// tokens. `options` are the temperature, K (0: all), P, min P, the penalty and the draw in [0, 1), as f32. Temperature 0 takes the
// likeliest token, the first of equals; NaN never wins. scratch: 1024 f64, 1024 i32 and 32 bytes.
//
// Weights are relative to the likeliest token's, which is 1. As their bits grow with them, the least weight that top K or top P keeps is
// found by three histograms of ten bits each, and exactly; tokens are looked at one by one only where four of them hold one that counts.
#include "math.h"

#define BINS 1024
// Lighter tokens are looked at only where the heavier ones do not fill what is to be kept.
#define LIGHT 0x1p-14f

typedef struct {
	f32 temperature, top_k, top_p, min_p, penalty, draw;
} Options;

// What is kept: weights above `least`, and the first `ties` of those equal to it; `found` is 0 where all that were looked at are too few.
typedef struct {
	f32 least;
	i32 ties, found;
	f64 sum;
} Kept;

static inline u32 bits_of(f32 x) {
	union {
		f32 value;
		u32 bits;
	} u = {x};
	return u.bits;
}

static inline f32 value_of(u32 bits) {
	union {
		u32 bits;
		f32 value;
	} u = {bits};
	return u.value;
}

static inline i32 likeliest(const f32 *x, i32 n) {
	f32 best = largest_f32(x, n);
	for (i32 i = 0; i < n; i++) {
		if (x[i] == best) return i;
	}
	return 0;
}

static inline f64 weigh(f32 *x, i32 n, f32 top, f32 temperature) {
	f32 inverse = 1 / temperature;
	v128_t sum = wasm_f64x2_splat(0);
	i32 i = 0;
	for (; i + 4 <= n; i += 4) {
		v128_t v = wasm_v128_load(x + i), w = exp_f32x4(wasm_f32x4_mul(wasm_f32x4_sub(v, wasm_f32x4_splat(top)), wasm_f32x4_splat(inverse)));
		w = wasm_v128_and(w, wasm_f32x4_eq(v, v));
		wasm_v128_store(x + i, w);
		sum = wasm_f64x2_add(sum, wasm_f64x2_add(wasm_f64x2_promote_low_f32x4(w), wasm_f64x2_promote_low_f32x4(wasm_i32x4_shuffle(w, w, 2, 3, 2, 3))));
	}
	f64 total = wasm_f64x2_extract_lane(sum, 0) + wasm_f64x2_extract_lane(sum, 1);
	for (; i < n; i++) {
		x[i] = x[i] == x[i] ? exp_f32((x[i] - top) * inverse) : 0;
		total += x[i];
	}
	return total;
}

// Whether one of the four weights from `i` on is at least `floor`.
static inline i32 any_from(const f32 *w, i32 i, i32 n, f32 floor) {
	return i + 4 > n || wasm_v128_any_true(wasm_f32x4_ge(wasm_v128_load(w + i), wasm_f32x4_splat(floor)));
}

static inline void fill(f64 *sums, i32 *counts, const f32 *w, i32 n, f32 floor, i32 shift, u32 prefix) {
	for (i32 b = 0; b < BINS; b++) sums[b] = 0, counts[b] = 0;
	for (i32 i = 0; i < n; i += 4) {
		if (!any_from(w, i, n, floor)) continue;
		for (i32 k = i; k < i + 4 && k < n; k++) {
			u32 bits = bits_of(w[k]);
			if (w[k] < floor || (u64)bits >> (shift + 10) != prefix) continue;
			sums[bits >> shift & (BINS - 1)] += w[k];
			counts[bits >> shift & (BINS - 1)]++;
		}
	}
}

// Keeps the fewest of the heaviest weights that are `count` of them or sum up to `wanted`.
static inline void keep(Kept *kept, f64 *sums, i32 *counts, const f32 *w, i32 n, f32 floor, i32 count, f64 wanted) {
	u32 prefix = 0;
	i32 taken = 0, bin = 0;
	f64 sum = 0;
	for (i32 shift = 20; shift >= 0; shift -= 10) {
		fill(sums, counts, w, n, shift == 20 ? floor : value_of(prefix << (shift + 10)), shift, prefix);
		i32 left = 0;
		for (i32 b = 0; b < BINS; b++) left += counts[b];
		for (bin = BINS - 1; bin > 0; bin--) {
			if (counts[bin] == 0) continue;
			left -= counts[bin];
			if (taken + counts[bin] >= count || sum + sums[bin] >= wanted) break;
			// Rounding may leave the sum short of what the bins before promised.
			if (left == 0) {
				if (shift == 20) {
					*kept = (Kept){0, 0, 0, sum + sums[bin]};
					return;
				}
				break;
			}
			taken += counts[bin];
			sum += sums[bin];
		}
		prefix = prefix << 10 | (u32)bin;
	}
	f32 least = value_of(prefix);
	i32 ties = 0;
	do sum += least, ties++;
	while (ties < counts[bin] && taken + ties < count && sum < wanted);
	*kept = (Kept){least, ties, 1, sum};
}

// The same over all weights; all of them where they are fewer, or less, than that.
static inline void keep_of_all(Kept *kept, f64 *sums, i32 *counts, const f32 *w, i32 n, i32 count, f64 wanted) {
	keep(kept, sums, counts, w, n, LIGHT, count, wanted);
	if (!kept->found) keep(kept, sums, counts, w, n, 0x1p-149f, count, wanted);
}

static inline i32 draw(const f32 *w, i32 n, const Kept *kept, f32 min_p, f32 drawn, i32 best) {
	f32 floor = kept->least > min_p ? kept->least : min_p;
	f64 left = 0;
	i32 chosen = best;
	// First the sum of what may be drawn, then the token at which the drawn share of it is used up.
	for (i32 pass = 0; pass < 2; pass++) {
		i32 ties = kept->ties;
		left *= drawn;
		for (i32 i = 0; i < n; i += 4) {
			if (!any_from(w, i, n, floor)) continue;
			for (i32 k = i; k < i + 4 && k < n; k++) {
				if (!(w[k] > 0) || w[k] < floor || (w[k] == kept->least && ties-- <= 0)) continue;
				if (pass == 0) {
					left += w[k];
					continue;
				}
				chosen = k;
				left -= w[k];
				if (left < 0) return chosen;
			}
		}
	}
	return chosen;
}

KERNEL(sample_f32)(i32 *token, f32 *x, const f32 *options, const i32 *history, f64 *scratch, i32 count, i32 n) {
	const Options *o = (const Options *)options;
	for (i32 i = 0; i < count; i++) {
		check(history[i] >= 0 && history[i] < n);
		f32 *logit = x + history[i];
		*logit = *logit > 0 ? *logit / o->penalty : *logit * o->penalty;
	}
	i32 best = likeliest(x, n), *counts = (i32 *)(scratch + BINS);
	*token = best;
	if (o->temperature == 0 || !(x[best] - x[best] == 0)) return;
	f64 total = weigh(x, n, x[best], o->temperature);
	Kept *kept = (Kept *)(counts + BINS);
	*kept = (Kept){.sum = total};
	i32 most = o->top_k > 0 && o->top_k < (f32)n ? (i32)o->top_k : n;
	if (most < n) keep_of_all(kept, scratch, counts, x, n, most, __builtin_inf());
	if (o->top_p < 1) keep_of_all(kept, scratch, counts, x, n, most, (f64)o->top_p * kept->sum);
	*token = draw(x, n, kept, o->min_p, o->draw, best);
}
