// Scaled dot-product attention with an online softmax (Milakov and Gimelshein, arXiv 1805.02867): keys are taken in blocks, so the
// scores of the whole context never exist. Grouped queries, causal and sliding-window limits, additive padding and bias.
//
//   y [batch, queries, heads·value_width] = softmax(scale · q kᵀ + padding + bias) v
//   q rows lie q_row apart; key t of kv head h of batch b lies at k + b·k_batch + h·k_head + t·k_row (elements), v likewise.
//   padding [batch, keys] or 0; bias at b·bias_batch + h·bias_head + i·bias_row + t·bias_key (0 or 1), or 0.
//   A query that may attend to nothing gives zeros.
//   scratch, in f32: 8·QUERIES + 5·KEYS + QUERIES·value_width; for f16 KEYS·(width + value_width) more, for i8 QUERIES·(width + 1)/2 more.
//
// The queries of a kv head are those of its heads and all tokens, ordered by token; two of them, or with integers the last three, read keys and
// values together.
#include "attention_f32.h"
#include "attention_i8.h"

enum { F32, F16, I8 };

typedef struct {
	f32 *scores, *sums, *wide_keys, *wide_values;
	i16 *weights, *q;
	State *states;
} Scratch;

// Query `row` of the kv head g of batch b: its token and its head.
typedef struct {
	i32 token, head;
} Query;

INLINE Query query_of(const Shape *s, i32 g, i32 row) {
	i32 group = s->heads / s->kv_heads;
	return (Query){row / group, g * group + row % group};
}

INLINE void attend(f32 *y, const f32 *q, const u8 *k, const u8 *v, const f32 *k_scales, const f32 *v_scales, const f32 *padding, const f32 *bias,
				   f32 *scratch, const Shape *s, f32 scale, f32 softcap, i32 thread, i32 threads, i32 storage) {
	i32 bytes = storage == F32 ? 4 : storage == F16 ? 2 : 1, rows = s->heads / s->kv_heads * s->queries;
	// A single token is shared by queries, and a thread takes those of a kv head together; halfs are better widened once.
	i32 size = s->queries == 1 && storage != F16 ? 1 : QUERIES, blocks = ceil_divide(rows, size), most = QUERIES / size;
	Scratch m;
	m.states = (State *)scratch;
	m.scores = scratch + 8 * QUERIES;
	m.weights = (i16 *)(m.scores + 3 * KEYS);
	m.sums = m.scores + 5 * KEYS;
	m.wide_keys = m.sums + QUERIES * s->value_width;
	m.wide_values = m.wide_keys + KEYS * s->width;
	m.q = (i16 *)m.wide_keys;
	i32 units = s->batch * s->kv_heads * blocks;
	// Blocks of many tokens in turn, back and forth: later ones look back on more keys.
	Share share = size == 1 ? share_of(units, thread, threads) : (Share){thread, units};
	for (i32 unit = share.first, round = 0, taken; unit < share.end; round++, unit += size == 1 ? taken : round % 2 ? 2 * (threads - thread) - 1 : 2 * thread + 1) {
		i32 block = unit % blocks, g = unit / blocks % s->kv_heads, b = unit / blocks / s->kv_heads;
		taken = least(least(most, blocks - block), share.end - unit);
		i32 start = block * size, count = least(taken * size, rows - start);
		const f32 *queries = q + b * s->queries * s->q_row;
		ONE_BY_ONE for (i32 slot = 0; slot < count; slot++) {
			Query one = query_of(s, g, start + slot);
			f32 factor = scale;
			if (storage == I8) factor *= quantize_query(m.q + slot * s->width, queries + one.token * s->q_row + one.head * s->width, s->width);
			if (storage == F32) touch_rows(queries + one.token * s->q_row + one.head * s->width, 0, 1, 4 * s->width);
			m.states[slot] = (State){-INFINITY_F32, 0, factor, 0, 0};
		}
		ONE_BY_ONE for (i32 c = 0; c < count * s->value_width; c++) m.sums[c] = 0;
		const u8 *keys = k + (b * s->k_batch + g * s->k_head) * bytes, *values = v + (b * s->v_batch + g * s->v_head) * bytes;
		const f32 *value_scales = storage == I8 ? v_scales + g * s->positions : 0;
		Terms terms = {storage == I8 ? k_scales + g * s->positions : 0, padding ? padding + b * s->keys : 0, 0, s->bias_key, softcap};
		i32 last = range_of(s, query_of(s, g, start + count - 1).token).last;
		ONE_BY_ONE for (i32 t0 = range_of(s, query_of(s, g, start).token).first & -KEYS; t0 < last; t0 += KEYS) {
			const void *block_keys = keys + t0 * s->k_row * bytes, *block_values = values + t0 * s->v_row * bytes;
			i32 k_row = s->k_row, v_row = s->v_row;
			if (storage == F16) {
				i32 n = least(KEYS, last - t0);
				widen_rows(m.wide_keys, block_keys, k_row, n, s->width);
				widen_rows(m.wide_values, block_values, v_row, n, s->value_width);
				block_keys = m.wide_keys, block_values = m.wide_values, k_row = s->width, v_row = s->value_width;
			}
			if (storage != F16) touch_rows(block_keys, k_row * bytes, least(KEYS, last - t0), s->width * bytes);
			if (storage == F32) touch_rows(block_values, v_row * bytes, least(KEYS, last - t0), s->value_width * bytes);
			for (i32 slot = 0, many; slot < count; slot += many) {
				many = count - slot == 3 && storage == I8 ? 3 : least(count - slot, 2);
				Query first = query_of(s, g, start + slot), second = query_of(s, g, start + slot + (many > 1)), last_one = query_of(s, g, start + slot + many - 1);
				i32 n = least(KEYS, range_of(s, last_one.token).last - t0);
				if (n <= 0 || t0 + n <= range_of(s, first.token).first) continue;
				if (storage == I8) {
					const i16 *x = m.q + slot * s->width;
					if (many == 3)
						products_i8(m.scores, x, s->width, block_keys, k_row, n, s->width, 3);
					else if (many == 2)
						products_i8(m.scores, x, s->width, block_keys, k_row, n, s->width, 2);
					else
						products_i8(m.scores, x, s->width, block_keys, k_row, n, s->width, 1);
				} else {
					const f32 *x = queries + first.token * s->q_row + first.head * s->width, *x1 = queries + second.token * s->q_row + second.head * s->width;
					if (many == 2)
						products_f32(m.scores, x, x1, block_keys, k_row, n, s->width, 2);
					else
						products_f32(m.scores, x, x1, block_keys, k_row, n, s->width, 1);
				}
				ONE_BY_ONE for (i32 a = 0; a < many; a++) {
					Query one = query_of(s, g, start + slot + a);
					State *state = m.states + slot + a;
					f32 *scores = m.scores + a * KEYS;
					if (storage == I8)
						add_products_i8(scores, m.q + (slot + a) * s->width, block_keys, k_row, n, s->width);
					else
						add_products_f32(scores, queries + one.token * s->q_row + one.head * s->width, block_keys, k_row, n, s->width);
					if (bias) terms.bias = bias + b * s->bias_batch + one.head * s->bias_head + one.token * s->bias_row;
					weigh(scores, t0, n, range_of(s, one.token), state, terms, value_scales);
					f32 *sums = m.sums + (slot + a) * s->value_width;
					if (storage == I8) {
						quantize_weights(m.weights + a * KEYS, scores, state, n);
						add_rest_i8(sums, m.weights + a * KEYS, state, block_values, v_row, n, s->value_width);
					} else {
						add_rest_f32(sums, scores, state, block_values, v_row, n, s->value_width);
					}
				}
				f32 *sums = m.sums + slot * s->value_width;
				const State *states = m.states + slot;
				if (storage == I8) {
					if (many == 3)
						add_values_i8(sums, m.weights, states, block_values, v_row, n, s->value_width, 3);
					else if (many == 2)
						add_values_i8(sums, m.weights, states, block_values, v_row, n, s->value_width, 2);
					else
						add_values_i8(sums, m.weights, states, block_values, v_row, n, s->value_width, 1);
				} else {
					if (many == 2)
						add_values_f32(sums, m.scores, states, block_values, v_row, n, s->value_width, 2);
					else
						add_values_f32(sums, m.scores, states, block_values, v_row, n, s->value_width, 1);
				}
			}
		}
		ONE_BY_ONE for (i32 slot = 0; slot < count; slot++) {
			Query one = query_of(s, g, start + slot);
			i32 width = s->value_width;
			f32 *out = y + ((b * s->queries + one.token) * s->heads + one.head) * width;
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
