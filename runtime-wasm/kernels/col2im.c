// Sliding blocks [planes, block.., counts..] summed into images [planes, image..]; what falls beside the image is dropped.
#include "kernel.h"

KERNEL(col2im_f32)(f32 *y, const f32 *x, const i32 *image, const i32 *block, const i32 *counts, const i32 *dilations, const i32 *strides, const i32 *pads, i32 rank, i32 planes) {
	i32 size = 1, window = 1, places = 1;
	for (i32 d = 0; d < rank; d++) {
		size *= image[d];
		window *= block[d];
		places *= counts[d];
	}
	__builtin_memset(y, 0, planes * size * 4);
	for (i32 p = 0; p < planes; p++, y += size)
		for (i32 k = 0; k < window; k++)
			for (i32 c = 0; c < places; c++, x++) {
				i32 target = 0, step = 1, inside = 1;
				for (i32 d = rank - 1, kk = k, cc = c; d >= 0; kk /= block[d], cc /= counts[d], d--) {
					i32 i = cc % counts[d] * strides[d] - pads[d] + kk % block[d] * dilations[d];
					inside &= i >= 0 && i < image[d];
					target += i * step;
					step *= image[d];
				}
				if (inside) y[target] += *x;
			}
}
