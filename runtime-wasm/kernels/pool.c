// Pooling: one plane at a time, `shape` with a batch of planes. Rows of the window that stick out are cut, and so are its columns.
#include "window.h"

// The part [k0, k1) of the window along one axis that lies inside the input.
static inline void window_cut(i32 at, i32 size, i32 kernel, i32 dilation, i32 *k0, i32 *k1) {
	*k0 = at < 0 ? (-at + dilation - 1) / dilation : 0;
	i32 last = size - 1 - at;
	i32 high = last < 0 ? 0 : last / dilation + 1;
	*k1 = high < kernel ? high : kernel;
	if (*k0 > *k1) *k0 = *k1;
}

#define FOR_EACH_WINDOW(s) \
	for (i32 n = 0; n < s->batch; n++, x += s->iz * s->iy * s->ix) \
		for (i32 oz = 0; oz < s->oz; oz++) \
			for (i32 oy = 0; oy < s->oy; oy++) \
				for (i32 ox = 0; ox < s->ox; ox++)

#define WINDOW_CUTS(s) \
	i32 z = oz * s->sz - s->pz, yy = oy * s->sy - s->py, xx = ox * s->sx - s->px, z0, z1, y0, y1, x0, x1; \
	window_cut(z, s->iz, s->kz, s->dz, &z0, &z1); \
	window_cut(yy, s->iy, s->ky, s->dy, &y0, &y1); \
	window_cut(xx, s->ix, s->kx, s->dx, &x0, &x1);

#define FOR_EACH_ROW(s) \
	for (i32 kz = z0; kz < z1; kz++) \
		for (i32 ky = y0; ky < y1; ky++)

#define ROW_AT(s) (((z + kz * s->dz) * s->iy + yy + ky * s->dy) * s->ix + xx)

#define MAX_POOL(name, type, lowest) \
	KERNEL(name)(type *y, const type *x, const i32 *shape) { \
		const window_shape *s = (const window_shape *)shape; \
		FOR_EACH_WINDOW(s) { \
			WINDOW_CUTS(s) \
			type best = lowest; \
			FOR_EACH_ROW(s) { \
				const type *row = x + ROW_AT(s); \
				for (i32 kx = x0; kx < x1; kx++) { \
					type v = row[kx * s->dx]; \
					best = v > best || v != v ? v : best; \
				} \
			} \
			*y++ = best; \
		} \
	}

MAX_POOL(max_pool_f32, f32, -INFINITY_F32)
MAX_POOL(max_pool_i8, i8, -128)
MAX_POOL(max_pool_u8, u8, 0)

// With the index of each maximum in the whole of x; column_major counts x's spatial axes from the other end.
KERNEL(max_pool_indices_f32)(f32 *y, i64 *indices, const f32 *x, i32 column_major, const i32 *shape) {
	const window_shape *s = (const window_shape *)shape;
	FOR_EACH_WINDOW(s) {
		WINDOW_CUTS(s)
		f32 best = -INFINITY_F32;
		i32 where = -1;
		FOR_EACH_ROW(s) {
			i32 row = ROW_AT(s);
			for (i32 kx = x0; kx < x1; kx++) {
				i32 at = row + kx * s->dx;
				if (where >= 0 && !(x[at] > best)) continue;
				best = x[at];
				where = at;
			}
		}
		if (column_major) {
			i32 cx = where % s->ix, cy = where / s->ix % s->iy, cz = where / s->ix / s->iy;
			where = (cx * s->iy + cy) * s->iz + cz;
		}
		*y++ = best;
		*indices++ = (i64)n * s->iz * s->iy * s->ix + where;
	}
}

static inline i32 within(i32 at, i32 kernel, i32 dilation, i32 low, i32 high) {
	i32 k0, k1;
	window_cut(at - low, high - low, kernel, dilation, &k0, &k1);
	return k1 - k0;
}

KERNEL(average_pool_f32)(f32 *y, const f32 *x, i32 count_padding, const i32 *shape) {
	const window_shape *s = (const window_shape *)shape;
	FOR_EACH_WINDOW(s) {
		WINDOW_CUTS(s)
		f32 sum = 0;
		FOR_EACH_ROW(s) {
			const f32 *row = x + ROW_AT(s);
			for (i32 kx = x0; kx < x1; kx++) sum += row[kx * s->dx];
		}
		i32 count = (z1 - z0) * (y1 - y0) * (x1 - x0);
		if (count_padding)
			count = within(z, s->kz, s->dz, -s->pz, s->iz + s->ez) * within(yy, s->ky, s->dy, -s->py, s->iy + s->ey) * within(xx, s->kx, s->dx, -s->px, s->ix + s->ex);
		*y++ = sum / (f32)count;
	}
}

KERNEL(lp_pool_f32)(f32 *y, const f32 *x, i32 p, const i32 *shape) {
	const window_shape *s = (const window_shape *)shape;
	FOR_EACH_WINDOW(s) {
		WINDOW_CUTS(s)
		f32 sum = 0;
		FOR_EACH_ROW(s) {
			const f32 *row = x + ROW_AT(s);
			for (i32 kx = x0; kx < x1; kx++) {
				f32 v = row[kx * s->dx];
				sum += p == 2 ? v * v : __builtin_fabsf(v);
			}
		}
		*y++ = p == 2 ? __builtin_sqrtf(sum) : sum;
	}
}

// Each channel to one number. kind: 0 mean, 1 maximum, 2 root of the sum of squares.
KERNEL(global_pool_f32)(f32 *y, const f32 *x, i32 channels, i32 size, i32 kind) {
	for (i32 c = 0; c < channels; c++, x += size) {
		f32 low = kind == 1 ? -INFINITY_F32 : 0;
		v128_t v = wasm_f32x4_splat(low);
		i32 i = 0;
		for (; i + 4 <= size; i += 4) {
			v128_t e = wasm_v128_load(x + i);
			v = kind == 1 ? wasm_f32x4_max(v, e) : wasm_f32x4_add(v, kind == 2 ? wasm_f32x4_mul(e, e) : e);
		}
		f32 result = kind == 1 ? max_f32x4(v) : sum_f32x4(v);
		for (; i < size; i++) {
			if (kind == 1) result = x[i] > result ? x[i] : result;
			else result += kind == 2 ? x[i] * x[i] : x[i];
		}
		y[c] = kind == 0 ? result / (f32)size : kind == 2 ? __builtin_sqrtf(result) : result;
	}
}
