// Scaled dot-product attention with an online softmax (Milakov and Gimelshein, arXiv 1805.02867): keys are taken in blocks, so the
// scores of the whole context never exist. Grouped queries, causal and sliding-window limits, additive padding and bias.
//
//   y [batch, queries, heads·value_width] = softmax(scale · q kᵀ + padding + bias) v
//   q rows lie q_row apart; key t of kv head h of batch b lies at k + b·k_batch + h·k_head + t·k_row (elements), v likewise.
//   padding [batch, keys] or 0; bias at b·bias_batch + h·bias_head + i·bias_row + t·bias_key (0 or 1), or 0.
//   A query that may attend to nothing gives zeros.
//   scratch, in f32: 4·QUERIES + 3·KEYS + QUERIES·value_width; for f16 KEYS·(width + value_width) more, for i8 QUERIES·(width + 1)/2 more.
//
// The queries of a kv head are those of its heads and all tokens, ordered by token; pairs of them read keys and values together.
#include "attention_f32.h"
#include "attention_i8.h"

enum { F32, F16, I8 };

typedef struct {
	f32 *scores, *sums, *wide_keys, *wide_values;
	i16 *weights, *q;
	State *states;
} Scratch;

// One block of keys for `count` (1 or 2) queries from row r on of a kv head.
INLINE void attend_pair(i32 r, i32 slot, i32 t0, i32 n, const Shape *s, Scratch m, const f32 *q, const void *keys, i32 k_row, const void *values, i32 v_row,
						const f32 *v_scales, Terms terms, i32 b, i32 g, i32 count, i32 storage) {
	i32 group = s->heads / s->kv_heads;
	const f32 *bias = terms.bias;
	Range range[2];
	i32 query[2], head[2];
	const f32 *x[2];
	f32 shrink[2], step[2];
	UNROLL for (i32 a = 0; a < count; a++) {
		query[a] = (r + a) / group;
		head[a] = g * group + (r + a) % group;
		range[a] = range_of(s, query[a]);
		x[a] = q + (b * s->queries + query[a]) * s->q_row + head[a] * s->width;
	}
	if (t0 >= range[count - 1].last || t0 + n <= range[0].first) return;
	n = least(n, range[count - 1].last - t0);
	if (storage == I8)
		products_i8(m.scores, m.q + slot * s->width, s->width, keys, k_row, n, s->width, count);
	else
		products_f32(m.scores, x, keys, k_row, n, s->width, count);
	UNROLL for (i32 a = 0; a < count; a++) {
		if (bias) terms.bias = bias + b * s->bias_batch + head[a] * s->bias_head + query[a] * s->bias_row;
		shrink[a] = weigh(m.scores + a * KEYS, t0, n, range[a], m.states + slot + a, terms);
		if (storage == I8) step[a] = quantize_weights(m.weights + a * KEYS, m.scores + a * KEYS, v_scales + t0, n);
	}
	f32 *sums = m.sums + slot * s->value_width;
	if (storage == I8)
		add_values_i8(sums, m.weights, shrink, step, values, v_row, n, s->value_width, count);
	else
		add_values_f32(sums, m.scores, shrink, values, v_row, n, s->value_width, count);
}

INLINE void attend(f32 *y, const f32 *q, const u8 *k, const u8 *v, const f32 *k_scales, const f32 *v_scales, const f32 *padding, const f32 *bias,
				   f32 *scratch, const Shape *s, f32 scale, f32 softcap, i32 thread, i32 threads, i32 storage) {
	i32 bytes = storage == F32 ? 4 : storage == F16 ? 2 : 1, group = s->heads / s->kv_heads, rows = group * s->queries;
	// A single token is cut finer, for threads to share.
	i32 size = s->queries == 1 ? 2 : QUERIES, blocks = ceil_divide(rows, size);
	Scratch m;
	m.states = (State *)scratch;
	m.scores = scratch + 4 * QUERIES;
	m.weights = (i16 *)(m.scores + 2 * KEYS);
	m.sums = m.scores + 3 * KEYS;
	m.wide_keys = m.sums + QUERIES * s->value_width;
	m.wide_values = m.wide_keys + KEYS * s->width;
	m.q = (i16 *)m.wide_keys;
	Share share = share_of(s->batch * s->kv_heads * blocks, thread, threads);
	for (i32 unit = share.first; unit < share.end; unit++) {
		i32 start = unit % blocks * size, g = unit / blocks % s->kv_heads, b = unit / blocks / s->kv_heads, count = least(size, rows - start);
		ONE_BY_ONE for (i32 slot = 0; slot < count; slot++) {
			i32 query = (start + slot) / group, head = g * group + (start + slot) % group;
			f32 factor = scale;
			if (storage == I8) factor *= quantize_query(m.q + slot * s->width, q + (b * s->queries + query) * s->q_row + head * s->width, s->width);
			m.states[slot] = (State){-INFINITY_F32, 0, factor};
		}
		ONE_BY_ONE for (i32 c = 0; c < count * s->value_width; c++) m.sums[c] = 0;
		const u8 *keys = k + (b * s->k_batch + g * s->k_head) * bytes, *values = v + (b * s->v_batch + g * s->v_head) * bytes;
		const f32 *value_scales = storage == I8 ? v_scales + g * s->positions : 0;
		Terms terms = {storage == I8 ? k_scales + g * s->positions : 0, padding ? padding + b * s->keys : 0, bias, s->bias_key, softcap};
		i32 last = range_of(s, (start + count - 1) / group).last;
		ONE_BY_ONE for (i32 t0 = range_of(s, start / group).first & -KEYS; t0 < last; t0 += KEYS) {
			const void *block_keys = keys + t0 * s->k_row * bytes, *block_values = values + t0 * s->v_row * bytes;
			i32 n = least(KEYS, last - t0), k_row = s->k_row, v_row = s->v_row;
			if (storage == F16) {
				widen_rows(m.wide_keys, block_keys, k_row, n, s->width);
				widen_rows(m.wide_values, block_values, v_row, n, s->value_width);
				block_keys = m.wide_keys, block_values = m.wide_values, k_row = s->width, v_row = s->value_width;
			}
			i32 slot = 0;
			ONE_BY_ONE for (; slot + 2 <= count; slot += 2)
				attend_pair(start + slot, slot, t0, n, s, m, q, block_keys, k_row, block_values, v_row, value_scales, terms, b, g, 2, storage);
			if (slot < count) attend_pair(start + slot, slot, t0, n, s, m, q, block_keys, k_row, block_values, v_row, value_scales, terms, b, g, 1, storage);
		}
		ONE_BY_ONE for (i32 slot = 0; slot < count; slot++) {
			i32 query = (start + slot) / group, head = g * group + (start + slot) % group, width = s->value_width;
			f32 *out = y + ((b * s->queries + query) * s->heads + head) * width;
			const f32 *sums = m.sums + slot * width;
			v128_t inverse = wasm_f32x4_splat(m.states[slot].sum > 0 ? 1 / m.states[slot].sum : 0);
			ONE_BY_ONE for (i32 c = 0; c < width; c += 4) store_quad(out + c, wasm_f32x4_mul(load_inputs(sums, c, width), inverse), width - c);
		}
	}
}

#define ATTENTION(type, T, storage)                                                                                                      \
	KERNEL(attention_##type)(f32 *y, const f32 *q, const T *k, const T *v, const f32 *k_scales, const f32 *v_scales, const f32 *padding,    \
							 const f32 *bias, f32 *scratch, const i32 *shape, f32 scale, f32 softcap, i32 thread, i32 threads) {                                     \
		attend(y, q, (const u8 *)k, (const u8 *)v, k_scales, v_scales, padding, bias, scratch, (const Shape *)shape, scale, softcap, thread, threads, storage); \
	}

ATTENTION(f32, f32, F32)
ATTENTION(f16, u16, F16)
ATTENTION(i8, i8, I8)
