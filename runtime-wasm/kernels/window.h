// Windows that slide over three spatial axes (z, y, x): the list of numbers that convolution and pooling kernels receive, in order.
#pragma once
#include "math.h"

typedef struct {
	i32 batch, groups, inputs, outputs; // channels of one group
	i32 iz, iy, ix, oz, oy, ox, kz, ky, kx, sz, sy, sx, dz, dy, dx, pz, py, px, ez, ey, ex;
} window_shape;

// Output positions [low, high) along x whose whole window lies inside the input.
static inline i32 window_low(const window_shape *s) {
	i32 low = (s->px + s->sx - 1) / s->sx;
	return low < s->ox ? low : s->ox;
}

static inline i32 window_high(const window_shape *s, i32 low) {
	i32 last = s->ix - 1 - (s->kx - 1) * s->dx + s->px;
	i32 high = last < 0 ? 0 : last / s->sx + 1;
	high = high < s->ox ? high : s->ox;
	return high > low ? high : low;
}

static inline i32 inside(i32 at, i32 size) { return (u32)at < (u32)size; }

// Four elements `stride` apart; reads none beyond the last of them.
static inline v128_t load_strided(const f32 *x, i32 stride) {
	if (stride == 1) return wasm_v128_load(x);
	if (stride == 2) return wasm_i32x4_shuffle(wasm_v128_load(x), wasm_v128_load(x + 3), 0, 2, 5, 7);
	return wasm_f32x4_make(x[0], x[stride], x[2 * stride], x[3 * stride]);
}
