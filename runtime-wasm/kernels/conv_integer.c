// Convolution of bytes less their zero points, summed in 32 bits; padding counts as the zero point. Loops as in conv.c, one position at
// a time. `w_zeros` counts zero points of the weights: none, one, or one for each output channel.
#include "window.h"

#define INTEGER_CONV(name, tx, tw) \
	KERNEL(name)(i32 *y, const tx *x, const tw *w, const tx *x_zero, i32 has_x_zero, const tw *w_zero, i32 w_zeros, const i32 *shape) { \
		const window_shape *s = (const window_shape *)shape; \
		i32 taps = s->kz * s->ky * s->kx, plane = s->iz * s->iy * s->ix, zx = has_x_zero ? *x_zero : 0; \
		for (i32 n = 0; n < s->batch; n++) \
			for (i32 g = 0; g < s->groups; g++, x += s->inputs * plane) \
				for (i32 o = 0; o < s->outputs; o++) { \
					i32 channel = g * s->outputs + o, zw = w_zeros == 0 ? 0 : w_zero[w_zeros == 1 ? 0 : channel]; \
					for (i32 oz = 0; oz < s->oz; oz++) \
						for (i32 oy = 0; oy < s->oy; oy++) \
							for (i32 ox = 0; ox < s->ox; ox++) { \
								const tw *wt = w + channel * s->inputs * taps; \
								i32 sum = 0; \
								for (i32 c = 0; c < s->inputs; c++) \
									for (i32 kz = 0; kz < s->kz; kz++) \
										for (i32 ky = 0; ky < s->ky; ky++, wt += s->kx) { \
											i32 iz = oz * s->sz - s->pz + kz * s->dz, iy = oy * s->sy - s->py + ky * s->dy; \
											if (!inside(iz, s->iz) || !inside(iy, s->iy)) continue; \
											const tx *row = x + c * plane + (iz * s->iy + iy) * s->ix; \
											for (i32 kx = 0; kx < s->kx; kx++) { \
												i32 ix = ox * s->sx - s->px + kx * s->dx; \
												if (inside(ix, s->ix)) sum += (row[ix] - zx) * (wt[kx] - zw); \
											} \
										} \
								*y++ = sum; \
							} \
				} \
	}

INTEGER_CONV(conv_integer_u8u8, u8, u8)
INTEGER_CONV(conv_integer_u8i8, u8, i8)
INTEGER_CONV(conv_integer_i8u8, i8, u8)
INTEGER_CONV(conv_integer_i8i8, i8, i8)
