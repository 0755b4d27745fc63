// Transposed convolution: every input element adds its kernel to the output. `shape` is that of the convolution it transposes: the
// "input" of its windows is y, their positions are x. w is [groups x inputs, outputs, kz, ky, kx].
#include "window.h"

// y[i * stride] += f x[i]
static inline void spread(f32 *y, const f32 *x, f32 f, i32 count, i32 stride) {
	i32 i = 0;
	if (stride == 1) {
		v128_t factor = wasm_f32x4_splat(f);
		for (; i + 4 <= count; i += 4) wasm_v128_store(y + i, wasm_f32x4_add(wasm_v128_load(y + i), wasm_f32x4_mul(factor, wasm_v128_load(x + i))));
	}
	for (; i < count; i++) y[i * stride] += f * x[i];
}

KERNEL(conv_transpose_f32)(f32 *y, const f32 *x, const f32 *w, const f32 *bias, i32 has_bias, const i32 *shape) {
	const window_shape *s = (const window_shape *)shape;
	i32 plane = s->iz * s->iy * s->ix, points = s->oz * s->oy * s->ox, taps = s->kz * s->ky * s->kx;
	for (i32 n = 0; n < s->batch; n++)
		for (i32 g = 0; g < s->groups; g++, x += s->inputs * points)
			for (i32 o = 0; o < s->outputs; o++, y += plane) {
				f32 start = has_bias ? bias[g * s->outputs + o] : 0;
				for (i32 i = 0; i < plane; i++) y[i] = start;
				for (i32 c = 0; c < s->inputs; c++) {
					const f32 *wt = w + ((g * s->inputs + c) * s->outputs + o) * taps;
					for (i32 tap = 0; tap < taps; tap++) {
						i32 kx = tap % s->kx, ky = tap / s->kx % s->ky, kz = tap / s->kx / s->ky;
						i32 shift = kx * s->dx - s->px;
						i32 low = shift < 0 ? (-shift + s->sx - 1) / s->sx : 0;
						i32 last = s->ix - 1 - shift;
						i32 high = last < 0 ? 0 : last / s->sx + 1;
						high = high < s->ox ? high : s->ox;
						if (low >= high) continue;
						for (i32 oz = 0; oz < s->oz; oz++)
							for (i32 oy = 0; oy < s->oy; oy++) {
								i32 iz = oz * s->sz - s->pz + kz * s->dz, iy = oy * s->sy - s->py + ky * s->dy;
								if (!inside(iz, s->iz) || !inside(iy, s->iy)) continue;
								spread(y + (iz * s->iy + iy) * s->ix + low * s->sx + shift, x + c * points + (oz * s->oy + oy) * s->ox + low, wt[tap], high - low, s->sx);
							}
					}
				}
			}
}
