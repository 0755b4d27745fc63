// Scaled dot-product attention with an online softmax (Milakov and Gimelshein, arXiv 1805.02867): keys are taken in blocks, so the
// scores of the whole context never exist. Grouped queries, causal and sliding-window limits, additive padding and bias.
//
//   y [batch, queries, heads·value_width] = softmax(scale · q kᵀ + padding + bias) v
//   q rows lie q_row apart; key t of kv head h of batch b lies at k + b·k_batch + h·k_head + t·k_row (elements), v likewise.
//   padding [batch, keys] or 0; bias at b·bias_batch + h·bias_head + i·bias_row + t·bias_key or 0.
//   A query that may attend to nothing gives zeros.
//   scratch: BLOCK + value_width f32.
#include "storage.h"

#define BLOCK 64

typedef struct {
	i32 batch, heads, kv_heads, queries, keys, past, width, value_width, causal, window;
	i32 q_row, k_batch, k_head, k_row, v_batch, v_head, v_row, bias_batch, bias_head, bias_row, bias_key, positions;
} Shape;

static inline f32 cap(f32 score, f32 softcap) {
	if (softcap == 0) return score;
	f32 e = exp_f32(2 * score / softcap);
	return softcap * (1 - 2 / (e + 1));
}

#define ATTENTION(storage, T, scale_of)                                                                                          \
	KERNEL(attention_##storage)(f32 *y, const f32 *q, const T *k, const T *v, const f32 *k_scales, const f32 *v_scales,          \
								const f32 *padding, const f32 *bias, f32 *scratch, const i32 *shape, f32 scale, f32 softcap) {    \
		const Shape *s = (const Shape *)shape;                                                                                    \
		f32 *scores = scratch, *sums = scratch + BLOCK;                                                                           \
		(void)k_scales, (void)v_scales;                                                                                           \
		for (i32 b = 0; b < s->batch; b++)                                                                                        \
			for (i32 h = 0; h < s->heads; h++) {                                                                                  \
				i32 g = h / (s->heads / s->kv_heads);                                                                             \
				const T *keys = k + b * s->k_batch + g * s->k_head, *values = v + b * s->v_batch + g * s->v_head;                 \
				for (i32 i = 0; i < s->queries; i++) {                                                                            \
					const f32 *query = q + (b * s->queries + i) * s->q_row + h * s->width;                                        \
					i32 last = s->causal ? s->past + i + 1 : s->keys;                                                             \
					if (last > s->keys) last = s->keys;                                                                           \
					i32 first = s->window > 0 && s->past + i + 1 > s->window ? s->past + i + 1 - s->window : 0;                   \
					f32 top = -INFINITY_F32, sum = 0;                                                                             \
					for (i32 c = 0; c < s->value_width; c++) sums[c] = 0;                                                         \
					for (i32 t0 = first; t0 < last; t0 += BLOCK) {                                                                \
						i32 n = last - t0 < BLOCK ? last - t0 : BLOCK;                                                            \
						f32 block_top = -INFINITY_F32;                                                                            \
						for (i32 j = 0; j < n; j++) {                                                                             \
							i32 t = t0 + j;                                                                                       \
							f32 score = cap(dot_##storage(query, keys + t * s->k_row, s->width) * scale * scale_of(k_scales), softcap); \
							if (padding) score += padding[b * s->keys + t];                                                       \
							if (bias) score += bias[b * s->bias_batch + h * s->bias_head + i * s->bias_row + t * s->bias_key];    \
							scores[j] = score;                                                                                    \
							block_top = score > block_top ? score : block_top;                                                    \
						}                                                                                                         \
						if (block_top == -INFINITY_F32) continue;                                                                 \
						if (block_top > top) {                                                                                    \
							f32 shrink = top == -INFINITY_F32 ? 0 : exp_f32(top - block_top);                                     \
							for (i32 c = 0; c < s->value_width; c++) sums[c] *= shrink;                                           \
							sum *= shrink;                                                                                        \
							top = block_top;                                                                                      \
						}                                                                                                         \
						for (i32 j = 0; j < BLOCK; j += 4)                                                                        \
							wasm_v128_store(scores + j, exp_f32x4(wasm_f32x4_sub(wasm_v128_load(scores + j), wasm_f32x4_splat(top)))); \
						for (i32 j = 0; j < n; j++) {                                                                             \
							i32 t = t0 + j;                                                                                       \
							sum += scores[j];                                                                                     \
							axpy_##storage(sums, scores[j] * scale_of(v_scales), values + t * s->v_row, s->value_width);           \
						}                                                                                                         \
					}                                                                                                             \
					f32 *out = y + (b * s->queries + i) * s->heads * s->value_width + h * s->value_width;                         \
					f32 inverse = sum > 0 ? 1 / sum : 0;                                                                          \
					for (i32 c = 0; c < s->value_width; c++) out[c] = sums[c] * inverse;                                          \
				}                                                                                                                 \
			}                                                                                                                     \
	}

#define ONE(scales) 1
#define PER_POSITION(scales) scales[g * s->positions + t]

ATTENTION(f32, f32, ONE)
ATTENTION(f16, u16, ONE)
ATTENTION(i8, i8, PER_POSITION)
