// Rotary position embedding (arXiv 2104.09864). For each head the first 2·half elements are rotated by the position's angles:
// halves (x_i, x_{i+half}) or, interleaved, pairs (x_{2i}, x_{2i+1}); the rest of the head passes through.
//   y [batch·sequence, heads·width], x the same with rows x_row apart, cosine and sine [batch or 1, sequence, half].
#include "math.h"

// Threads share the heads of all tokens.
KERNEL(rotary_f32)(f32 *y, const f32 *x, const f32 *cosine, const f32 *sine, i32 batch, i32 sequence, i32 heads, i32 width, i32 half, i32 x_row, i32 table_batch, i32 interleaved, i32 thread, i32 threads) {
	Share share = share_of(batch * sequence * heads, thread, threads);
	for (i32 unit = share.first; unit < share.end; unit++) {
		i32 token = unit / heads, b = token / sequence, angles = b * table_batch + (token - b * sequence) * half;
		const f32 *c = cosine + angles, *s = sine + angles, *from = x + token * x_row + unit % heads * width;
		f32 *to = y + unit * width;
		i32 i = 0;
		if (interleaved)
			for (; i < half; i++) {
				f32 u = from[2 * i], w = from[2 * i + 1];
				to[2 * i] = u * c[i] - w * s[i];
				to[2 * i + 1] = w * c[i] + u * s[i];
			}
		for (; i + 4 <= half; i += 4) {
			v128_t u = wasm_v128_load(from + i), w = wasm_v128_load(from + half + i), ci = wasm_v128_load(c + i), si = wasm_v128_load(s + i);
			wasm_v128_store(to + i, wasm_f32x4_sub(wasm_f32x4_mul(u, ci), wasm_f32x4_mul(w, si)));
			wasm_v128_store(to + half + i, wasm_f32x4_add(wasm_f32x4_mul(w, ci), wasm_f32x4_mul(u, si)));
		}
		for (; i < half; i++) {
			f32 u = from[i], w = from[half + i];
			to[i] = u * c[i] - w * s[i];
			to[half + i] = w * c[i] + u * s[i];
		}
		for (i = 2 * half; i < width; i++) to[i] = from[i];
	}
}
