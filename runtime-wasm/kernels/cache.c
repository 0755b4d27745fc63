// Appending to a key-value cache [heads, positions, width], and what attention reads beside it.
#include "storage.h"

// cache[h, past + t] = x[t, h] for t < count; rows of x lie x_row elements apart. scales [heads, positions] only for int8.
#define APPEND(storage, T)                                                                                                                \
	KERNEL(cache_append_##storage)(T *cache, f32 *scales, const f32 *x, i32 count, i32 past, i32 heads, i32 width, i32 positions, i32 x_row, \
								   i32 thread, i32 threads) {                                                                             \
		check(past >= 0 && past + count <= positions);                                                                                    \
		Share share = share_of(count * heads, thread, threads);                                                                           \
		for (i32 unit = share.first; unit < share.end; unit++) {                                                                          \
			i32 t = unit / heads, h = unit % heads, at = h * positions + past + t;                                                        \
			f32 scale = put_##storage(cache + at * width, x + t * x_row + h * width, width);                                              \
			if (scales) scales[at] = scale;                                                                                               \
		}                                                                                                                                 \
	}

APPEND(f32, f32)
APPEND(f16, u16)
APPEND(i8, i8)

// y [batch, heads, past + count, width] = x_past [batch, heads, past, width], then x [batch, count, heads·width] with rows x_row apart.
KERNEL(cache_join_f32)(f32 *y, const f32 *x_past, const f32 *x, i32 batch, i32 count, i32 past, i32 heads, i32 width, i32 x_row, i32 thread, i32 threads) {
	Share share = share_of(batch * heads, thread, threads);
	for (i32 unit = share.first; unit < share.end; unit++) {
		i32 b = unit / heads, h = unit % heads;
		f32 *to = y + unit * (past + count) * width;
		put_f32(to, x_past + unit * past * width, past * width);
		for (i32 t = 0; t < count; t++) put_f32(to + (past + t) * width, x + (b * count + t) * x_row + h * width, width);
	}
}

// y = 0 where the mask lets attend (not zero), minus infinity elsewhere.
#define MASK_BIAS(type, T) \
	KERNEL(mask_bias_##type)(f32 *y, const T *mask, i32 n) { for (i32 i = 0; i < n; i++) y[i] = mask[i] ? 0 : -INFINITY_F32; }

MASK_BIAS(i64, i64)
MASK_BIAS(i32, i32)
MASK_BIAS(u8, u8)
MASK_BIAS(f32, f32)
