// y[n, c, p] = x[n, c] read at the position grid[n, p] of up to three axes, named innermost first. An axis that is not there has size 1.
// padding: 0 zeros, 1 border, 2 reflection. Positions are f32 and round to even.
#include "layout.h"

typedef struct {
	i32 size, padding, corners;
} axis_t;

static inline f32 limit(f32 x, f32 low, f32 high) {
	return x < low ? low : x > high ? high : x;
}

// Folded back into [low, high] as by mirrors at both ends.
static inline f32 reflect(f32 x, f32 low, f32 high) {
	f32 range = high - low;
	if (range == 0) return low;
	if (x >= low && x <= high) return x;
	f32 beyond = x < low ? low - x : x - high, folds = __builtin_floorf(beyond / range), rest = beyond - folds * range;
	i32 even = folds == 2 * __builtin_floorf(folds / 2);
	return (x < low) == even ? low + rest : high - rest;
}

static inline f32 mirrored(axis_t a, f32 x) {
	return a.corners ? reflect(x, 0, a.size - 1) : reflect(x, -0.5f, a.size - 0.5f);
}

// Padding concerns the elements around a position. From two elements outside on nothing changes any more, and bounded positions keep
// exact distances.
static inline f32 place(axis_t a, f32 n, i32 nearest) {
	f32 x = a.corners ? (n + 1) / 2 * (a.size - 1) : ((n + 1) * a.size - 1) / 2;
	if (nearest) x = __builtin_rintf(x);
	return a.padding == 2 ? mirrored(a, x) : limit(x, -2, a.size + 1);
}

// The element at an index that may lie outside, or -1. NaN becomes 0 on its way to an integer, so no index leaves the image.
static inline i32 element(axis_t a, f32 index) {
	if (a.padding == 0) return index >= 0 && index < a.size ? (i32)index : -1;
	return (i32)limit(a.padding == 1 ? index : mirrored(a, index), 0, a.size - 1);
}

// Keys' cubic convolution with a = -0.75, or a triangle.
static inline f32 weight(i32 cubic, f32 d) {
	d = __builtin_fabsf(d);
	if (!cubic) return 1 - d;
	return d <= 1 ? (1.25f * d - 2.25f) * d * d + 1 : ((-0.75f * d + 3.75f) * d - 6) * d + 3;
}

KERNEL(grid_sample_nearest)(u8 *y, const u8 *x, const f32 *grid, i32 batch, i32 channels, i32 depth, i32 height, i32 width, i32 points, i32 axes, i32 padding, i32 corners, i32 bytes) {
	axis_t across = {width, padding, corners}, down = {height, padding, corners}, deep = {depth, padding, corners};
	i32 plane = depth * height * width;
	for (i32 n = 0; n < batch; n++, x += channels * plane * bytes, y += channels * points * bytes) {
		for (i32 p = 0; p < points; p++, grid += axes) {
			i32 i = element(across, place(across, grid[0], 1));
			i32 j = axes > 1 ? element(down, place(down, grid[1], 1)) : 0;
			i32 k = axes > 2 ? element(deep, place(deep, grid[2], 1)) : 0;
			i32 outside = i < 0 || j < 0 || k < 0, from = (k * height + j) * width + i;
			for (i32 c = 0; c < channels; c++) {
				u8 *to = y + (c * points + p) * bytes;
				if (outside) __builtin_memset(to, 0, bytes);
				else copy_element(to, x + (c * plane + from) * bytes, bytes);
			}
		}
	}
}

KERNEL(grid_sample_f32)(f32 *y, const f32 *x, const f32 *grid, i32 batch, i32 channels, i32 depth, i32 height, i32 width, i32 points, i32 axes, i32 padding, i32 corners, i32 cubic) {
	axis_t across = {width, padding, corners}, down = {height, padding, corners}, deep = {depth, padding, corners};
	i32 plane = depth * height * width, first = cubic ? -1 : 0, last = cubic ? 2 : 1;
	for (i32 n = 0; n < batch; n++, x += channels * plane, y += channels * points) {
		for (i32 p = 0; p < points; p++, grid += axes) {
			f32 at = place(across, grid[0], 0), below = axes > 1 ? place(down, grid[1], 0) : 0, behind = axes > 2 ? place(deep, grid[2], 0) : 0;
			f32 left = __builtin_floorf(at), top = __builtin_floorf(below), front = __builtin_floorf(behind);
			for (i32 c = 0; c < channels; c++) y[c * points + p] = 0;
			for (i32 dz = axes > 2 ? first : 0; dz <= (axes > 2 ? last : 0); dz++) {
				i32 k = axes > 2 ? element(deep, front + dz) : 0;
				if (k < 0) continue;
				f32 wz = axes > 2 ? weight(cubic, behind - (front + dz)) : 1;
				for (i32 dy = axes > 1 ? first : 0; dy <= (axes > 1 ? last : 0); dy++) {
					i32 j = axes > 1 ? element(down, top + dy) : 0;
					if (j < 0) continue;
					f32 wy = axes > 1 ? wz * weight(cubic, below - (top + dy)) : wz;
					for (i32 dx = first; dx <= last; dx++) {
						i32 i = element(across, left + dx);
						if (i < 0) continue;
						f32 w = wy * weight(cubic, at - (left + dx));
						const f32 *from = x + (k * height + j) * width + i;
						for (i32 c = 0; c < channels; c++) y[c * points + p] += w * from[c * plane];
					}
				}
			}
		}
	}
}
