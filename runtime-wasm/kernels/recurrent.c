// Recurrent cells over a sequence, one direction a call. x holds the inputs times their weights already, a row of all gates for each step;
// r is [gates x hidden, hidden]; bias holds the input biases, then the recurrent ones. `work` has room for the gates (GRU: and one state).
// h and c hold the state while it runs. An optional input is read when its has_ is 1. Steps past a sequence's length are zeros in y.
#include "matmul.h"

typedef struct {
	i32 steps, batch, hidden, reverse, x_step, x_batch, y_step, y_batch, h_batch;
} recurrent_shape;

// The functions of cell-activation.ts by number; alpha and beta follow as the bits of f32.
static inline f32 activate(const i32 *function, f32 v, f32 clip) {
	if (clip > 0) v = v > clip ? clip : v < -clip ? -clip : v;
	f32 alpha = __builtin_bit_cast(f32, function[1]), beta = __builtin_bit_cast(f32, function[2]);
	v128_t x = wasm_f32x4_splat(v);
	switch (function[0]) {
		case 0: return wasm_f32x4_extract_lane(sigmoid_f32x4(x), 0);
		case 1: return wasm_f32x4_extract_lane(tanh_f32x4(x), 0);
		case 2: return v > 0 ? v : 0;
		case 3: return alpha * v + beta;
		case 4: return v < 0 ? alpha * v : v;
		case 5: return v > alpha ? v : 0;
		case 6: return alpha * wasm_f32x4_extract_lane(tanh_f32x4(wasm_f32x4_splat(beta * v)), 0);
		case 7: v = alpha * v + beta; return v < 0 ? 0 : v > 1 ? 1 : v;
		case 8: return v < 0 ? alpha * wasm_f32x4_extract_lane(expm1_f32x4(x), 0) : v;
		case 9: return v / (1 + __builtin_fabsf(v));
		default: return (v > 0 ? v : 0) + wasm_f32x4_extract_lane(log1p_f32x4(wasm_f32x4_splat(exp_f32(-__builtin_fabsf(v)))), 0);
	}
}

static inline void start_state(f32 *h, const f32 *h0, i32 has_h0, const recurrent_shape *s) {
	for (i32 b = 0; b < s->batch; b++)
		for (i32 i = 0; i < s->hidden; i++) h[b * s->h_batch + i] = has_h0 ? h0[b * s->h_batch + i] : 0;
}

static inline i32 length_of(i32 b, const i32 *lengths, i32 has_lengths, const recurrent_shape *s) {
	if (!has_lengths) return s->steps;
	check(lengths[b] >= 0 && lengths[b] <= s->steps);
	return lengths[b];
}

static inline void clear_rest(f32 *y, i32 from, const recurrent_shape *s) {
	for (i32 t = from; t < s->steps; t++)
		for (i32 i = 0; i < s->hidden; i++) y[t * s->y_step + i] = 0;
}

// gates[first, last) = x + R h + biases of `total` gates in all.
static inline void sum_gates(f32 *gates, const f32 *x, const f32 *r, const f32 *h, const f32 *bias, i32 has_bias, i32 first, i32 last, i32 total, i32 hidden) {
	for (i32 g = first * hidden; g < last * hidden; g++) {
		f32 v = x[g] + dot_f32(r + g * hidden, h, hidden);
		if (has_bias) v += bias[g] + bias[total * hidden + g];
		gates[g] = v;
	}
}

KERNEL(rnn_f32)(f32 *y, f32 *h, f32 *work, const f32 *x, const f32 *r, const f32 *bias, i32 has_bias, const i32 *lengths, i32 has_lengths, const f32 *h0, i32 has_h0, const i32 *shape, const i32 *activations, f32 clip) {
	const recurrent_shape *s = (const recurrent_shape *)shape;
	i32 n = s->hidden;
	start_state(h, h0, has_h0, s);
	for (i32 b = 0; b < s->batch; b++) {
		i32 length = length_of(b, lengths, has_lengths, s);
		f32 *state = h + b * s->h_batch, *out = y + b * s->y_batch;
		for (i32 step = 0; step < length; step++) {
			i32 t = s->reverse ? length - 1 - step : step;
			sum_gates(work, x + t * s->x_step + b * s->x_batch, r, state, bias, has_bias, 0, 1, 1, n);
			for (i32 i = 0; i < n; i++) out[t * s->y_step + i] = state[i] = activate(activations, work[i], clip);
		}
		clear_rest(out, length, s);
	}
}

// Gates: update, reset, hidden. With linear_before_reset the reset gate scales R h + bias, else h.
KERNEL(gru_f32)(f32 *y, f32 *h, f32 *work, const f32 *x, const f32 *r, const f32 *bias, i32 has_bias, const i32 *lengths, i32 has_lengths, const f32 *h0, i32 has_h0, const i32 *shape, const i32 *activations, f32 clip, i32 linear_before_reset) {
	const recurrent_shape *s = (const recurrent_shape *)shape;
	i32 n = s->hidden;
	f32 *faded = work + 3 * n;
	start_state(h, h0, has_h0, s);
	for (i32 b = 0; b < s->batch; b++) {
		i32 length = length_of(b, lengths, has_lengths, s);
		f32 *state = h + b * s->h_batch, *out = y + b * s->y_batch;
		for (i32 step = 0; step < length; step++) {
			i32 t = s->reverse ? length - 1 - step : step;
			const f32 *row = x + t * s->x_step + b * s->x_batch;
			sum_gates(work, row, r, state, bias, has_bias, 0, 2, 3, n);
			for (i32 i = 0; i < 2 * n; i++) work[i] = activate(activations, work[i], clip);
			for (i32 i = 0; i < n; i++) faded[i] = work[n + i] * state[i];
			for (i32 i = 0; i < n; i++) {
				i32 g = 2 * n + i;
				f32 past = dot_f32(r + g * n, linear_before_reset ? state : faded, n) + (has_bias ? bias[3 * n + g] : 0);
				if (linear_before_reset) past *= work[n + i];
				work[g] = activate(activations + 3, row[g] + (has_bias ? bias[g] : 0) + past, clip);
			}
			for (i32 i = 0; i < n; i++) out[t * s->y_step + i] = state[i] = (1 - work[i]) * work[2 * n + i] + work[i] * state[i];
		}
		clear_rest(out, length, s);
	}
}

// Gates: input, output, forget, cell; peepholes are weights of the cell for input, output and forget.
KERNEL(lstm_f32)(f32 *y, f32 *h, f32 *c, f32 *work, const f32 *x, const f32 *r, const f32 *bias, i32 has_bias, const i32 *lengths, i32 has_lengths, const f32 *h0, i32 has_h0, const f32 *c0, i32 has_c0, const f32 *peepholes, i32 has_peepholes, const i32 *shape, const i32 *activations, f32 clip, i32 input_forget) {
	const recurrent_shape *s = (const recurrent_shape *)shape;
	i32 n = s->hidden;
	start_state(h, h0, has_h0, s);
	start_state(c, c0, has_c0, s);
	for (i32 b = 0; b < s->batch; b++) {
		i32 length = length_of(b, lengths, has_lengths, s);
		f32 *state = h + b * s->h_batch, *cell = c + b * s->h_batch, *out = y + b * s->y_batch;
		for (i32 step = 0; step < length; step++) {
			i32 t = s->reverse ? length - 1 - step : step;
			sum_gates(work, x + t * s->x_step + b * s->x_batch, r, state, bias, has_bias, 0, 4, 4, n);
			for (i32 i = 0; i < n; i++) {
				f32 p = has_peepholes ? peepholes[i] * cell[i] : 0, q = has_peepholes ? peepholes[2 * n + i] * cell[i] : 0;
				f32 input = activate(activations, work[i] + p, clip);
				f32 forget = input_forget ? 1 - input : activate(activations, work[2 * n + i] + q, clip);
				cell[i] = forget * cell[i] + input * activate(activations + 3, work[3 * n + i], clip);
				f32 output = activate(activations, work[n + i] + (has_peepholes ? peepholes[n + i] * cell[i] : 0), clip);
				out[t * s->y_step + i] = state[i] = output * activate(activations + 6, cell[i], 0);
			}
		}
		clear_rest(out, length, s);
	}
}
