// Convolution, direct: tiles of 4 (or 1) output channels by 8 positions along x stay in registers over all taps; positions whose window
// sticks out are done one at a time. w is [groups x outputs, inputs, kz, ky, kx]; bias is read when has_bias.
#include "window.h"

// One tile at a full row position; `channels` and `stride` are known at compile time where they matter.
static inline __attribute__((always_inline)) void conv_tile(i32 channels, i32 stride, const window_shape *s, f32 *y, const f32 *x, const f32 *w, v128_t start, i32 z0, i32 y0, i32 x0) {
	i32 taps = s->kz * s->ky * s->kx, filter = s->inputs * taps, plane = s->oz * s->oy * s->ox;
	v128_t a0 = wasm_i32x4_shuffle(start, start, 0, 0, 0, 0), a1 = wasm_i32x4_shuffle(start, start, 1, 1, 1, 1);
	v128_t a2 = wasm_i32x4_shuffle(start, start, 2, 2, 2, 2), a3 = wasm_i32x4_shuffle(start, start, 3, 3, 3, 3);
	v128_t b0 = a0, b1 = a1, b2 = a2, b3 = a3;
	for (i32 c = 0; c < s->inputs; c++)
		for (i32 kz = 0; kz < s->kz; kz++) {
			i32 iz = z0 + kz * s->dz;
			if (!inside(iz, s->iz)) continue;
			for (i32 ky = 0; ky < s->ky; ky++) {
				i32 iy = y0 + ky * s->dy;
				if (!inside(iy, s->iy)) continue;
				const f32 *row = x + ((c * s->iz + iz) * s->iy + iy) * s->ix + x0;
				const f32 *wt = w + c * taps + (kz * s->ky + ky) * s->kx;
				for (i32 kx = 0; kx < s->kx; kx++, row += s->dx, wt++) {
					v128_t p = load_strided(row, stride), q = load_strided(row + 4 * stride, stride);
					v128_t f = wasm_v128_load32_splat(wt);
					a0 = wasm_f32x4_add(a0, wasm_f32x4_mul(f, p));
					b0 = wasm_f32x4_add(b0, wasm_f32x4_mul(f, q));
					if (channels == 1) continue;
					f = wasm_v128_load32_splat(wt + filter);
					a1 = wasm_f32x4_add(a1, wasm_f32x4_mul(f, p));
					b1 = wasm_f32x4_add(b1, wasm_f32x4_mul(f, q));
					f = wasm_v128_load32_splat(wt + 2 * filter);
					a2 = wasm_f32x4_add(a2, wasm_f32x4_mul(f, p));
					b2 = wasm_f32x4_add(b2, wasm_f32x4_mul(f, q));
					f = wasm_v128_load32_splat(wt + 3 * filter);
					a3 = wasm_f32x4_add(a3, wasm_f32x4_mul(f, p));
					b3 = wasm_f32x4_add(b3, wasm_f32x4_mul(f, q));
				}
			}
		}
	wasm_v128_store(y, a0);
	wasm_v128_store(y + 4, b0);
	if (channels == 1) return;
	wasm_v128_store(y + plane, a1);
	wasm_v128_store(y + plane + 4, b1);
	wasm_v128_store(y + 2 * plane, a2);
	wasm_v128_store(y + 2 * plane + 4, b2);
	wasm_v128_store(y + 3 * plane, a3);
	wasm_v128_store(y + 3 * plane + 4, b3);
}

static inline f32 conv_point(const window_shape *s, const f32 *x, const f32 *w, i32 z0, i32 y0, i32 x0) {
	f32 sum = 0;
	for (i32 c = 0; c < s->inputs; c++)
		for (i32 kz = 0; kz < s->kz; kz++)
			for (i32 ky = 0; ky < s->ky; ky++) {
				i32 iz = z0 + kz * s->dz, iy = y0 + ky * s->dy;
				if (!inside(iz, s->iz) || !inside(iy, s->iy)) {
					w += s->kx;
					continue;
				}
				const f32 *row = x + ((c * s->iz + iz) * s->iy + iy) * s->ix;
				for (i32 kx = 0; kx < s->kx; kx++, w++) {
					i32 ix = x0 + kx * s->dx;
					if (inside(ix, s->ix)) sum += row[ix] * *w;
				}
			}
	return sum;
}

// One row of outputs along x, for 4 or 1 channels. `bias` holds one value a channel.
static inline __attribute__((always_inline)) void conv_row(i32 channels, const window_shape *s, f32 *y, const f32 *x, const f32 *w, f32 b0, f32 b1, f32 b2, f32 b3, i32 z0, i32 y0) {
	v128_t start = wasm_f32x4_make(b0, b1, b2, b3);
	i32 filter = s->inputs * s->kz * s->ky * s->kx, plane = s->oz * s->oy * s->ox;
	i32 low = window_low(s), high = window_high(s, low);
	for (i32 ox = 0; ox < s->ox;) {
		i32 x0 = ox * s->sx - s->px;
		if (ox >= low && ox + 8 <= high) {
			if (s->sx == 1) conv_tile(channels, 1, s, y + ox, x, w, start, z0, y0, x0);
			else if (s->sx == 2) conv_tile(channels, 2, s, y + ox, x, w, start, z0, y0, x0);
			else conv_tile(channels, s->sx, s, y + ox, x, w, start, z0, y0, x0);
			ox += 8;
			continue;
		}
		for (i32 c = 0; c < channels; c++) y[c * plane + ox] = (c == 0 ? b0 : c == 1 ? b1 : c == 2 ? b2 : b3) + conv_point(s, x, w + c * filter, z0, y0, x0);
		ox++;
	}
}

KERNEL(conv_f32)(f32 *y, const f32 *x, const f32 *w, const f32 *bias, i32 has_bias, const i32 *shape) {
	const window_shape *s = (const window_shape *)shape;
	i32 input = s->inputs * s->iz * s->iy * s->ix, filter = s->inputs * s->kz * s->ky * s->kx, plane = s->oz * s->oy * s->ox;
	for (i32 n = 0; n < s->batch; n++)
		for (i32 g = 0; g < s->groups; g++, x += input) {
			for (i32 c = 0; c < s->outputs;) {
				i32 step = s->outputs - c >= 4 ? 4 : 1, channel = g * s->outputs + c;
				const f32 *wc = w + channel * filter, *b = bias + channel;
				f32 b0 = has_bias ? b[0] : 0;
				for (i32 oz = 0; oz < s->oz; oz++)
					for (i32 oy = 0; oy < s->oy; oy++) {
						i32 z0 = oz * s->sz - s->pz, y0 = oy * s->sy - s->py;
						f32 *row = y + (oz * s->oy + oy) * s->ox;
						if (step == 4) conv_row(4, s, row, x, wc, b0, has_bias ? b[1] : 0, has_bias ? b[2] : 0, has_bias ? b[3] : 0, z0, y0);
						else conv_row(1, s, row, x, wc, b0, 0, 0, 0, z0, y0);
					}
				c += step;
				y += step * plane;
			}
		}
}

KERNEL(add_per_channel_f32)(f32 *y, const f32 *bias, i32 batch, i32 channels, i32 size) {
	for (i32 n = 0; n < batch; n++)
		for (i32 c = 0; c < channels; c++)
			for (i32 i = 0; i < size; i++) *y++ += bias[c];
}
