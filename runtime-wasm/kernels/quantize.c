// Quantisation: y = saturate(round(x / scale) + zero), half to even, and back. Element (o, a, i) of [outer, axis, inner] takes the scale
// at o outer_step + (a / block) axis_step + i inner_step. `zero` is read when has_zero.
#include "math.h"

#define LAYOUT i32 outer, i32 axis, i32 inner, i32 block, i32 outer_step, i32 axis_step, i32 inner_step

#define FOR_EACH_RUN \
	for (i32 o = 0; o < outer; o++) \
		for (i32 a = 0; a < axis; a++, x += inner, y += inner)

static inline f32 clamp_f32(f32 v, f32 low, f32 high) { return v < low ? low : v > high ? high : v; }

#define QUANTIZE(name, type, low, high) \
	KERNEL(name)(type *y, const f32 *x, const f32 *scale, const type *zero, i32 has_zero, LAYOUT) { \
		FOR_EACH_RUN { \
			i32 at = o * outer_step + a / block * axis_step; \
			for (i32 i = 0; i < inner; i++, at += inner_step) \
				y[i] = (type)(i32)clamp_f32(__builtin_rintf(x[i] / scale[at]) + (f32)(has_zero ? zero[at] : 0), low, high); \
		} \
	}

QUANTIZE(quantize_linear_u8, u8, 0, 255)
QUANTIZE(quantize_linear_i8, i8, -128, 127)
QUANTIZE(quantize_linear_u16, u16, 0, 65535)
QUANTIZE(quantize_linear_i16, i16, -32768, 32767)

#define DEQUANTIZE(name, type) \
	KERNEL(name)(f32 *y, const type *x, const f32 *scale, const type *zero, i32 has_zero, LAYOUT) { \
		FOR_EACH_RUN { \
			i32 at = o * outer_step + a / block * axis_step; \
			for (i32 i = 0; i < inner; i++, at += inner_step) y[i] = (f32)(x[i] - (has_zero ? zero[at] : 0)) * scale[at]; \
		} \
	}

DEQUANTIZE(dequantize_linear_u8, u8)
DEQUANTIZE(dequantize_linear_i8, i8)
DEQUANTIZE(dequantize_linear_u16, u16)
DEQUANTIZE(dequantize_linear_i16, i16)
DEQUANTIZE(dequantize_linear_i32, i32)

// uint8 codes over [min, max] of the data, widened to include 0.
KERNEL(dynamic_quantize_linear)(u8 *y, f32 *y_scale, u8 *y_zero, const f32 *x, i32 count) {
	v128_t lows = wasm_f32x4_splat(0), highs = lows;
	i32 i = 0;
	for (; i + 4 <= count; i += 4) {
		v128_t v = wasm_v128_load(x + i);
		lows = wasm_f32x4_pmin(lows, v);
		highs = wasm_f32x4_pmax(highs, v);
	}
	f32 low = -max_f32x4(wasm_f32x4_neg(lows)), high = max_f32x4(highs);
	for (; i < count; i++) {
		low = x[i] < low ? x[i] : low;
		high = x[i] > high ? x[i] : high;
	}
	f32 scale = (high - low) / 255;
	if (scale == 0) scale = 1;
	f32 zero = clamp_f32(__builtin_rintf(-low / scale), 0, 255);
	for (i = 0; i < count; i++) y[i] = (u8)(i32)clamp_f32(__builtin_rintf(x[i] / scale) + zero, 0, 255);
	*y_scale = scale;
	*y_zero = (u8)(i32)zero;
}

// y = saturate(round(x row_scale[r] column_scale[c] / y_scale) + y_zero) over [batch, rows, columns]; a step of 0 repeats one scale.
#define REQUANTIZE(name, type, low, high) \
	KERNEL(name)(type *y, const i32 *x, const f32 *row_scale, i32 row_step, const f32 *column_scale, i32 column_step, const f32 *y_scale, const type *y_zero, i32 batch, i32 rows, i32 columns) { \
		for (i32 n = 0; n < batch; n++) \
			for (i32 r = 0; r < rows; r++, x += columns, y += columns) \
				for (i32 c = 0; c < columns; c++) { \
					f32 factor = row_scale[r * row_step] * column_scale[c * column_step] / *y_scale; \
					y[c] = (type)(i32)clamp_f32(__builtin_rintf((f32)x[c] * factor) + (f32)*y_zero, low, high); \
				} \
	}

REQUANTIZE(requantize_u8, u8, 0, 255)
REQUANTIZE(requantize_i8, i8, -128, 127)

KERNEL(add_per_channel_i32)(i32 *y, const i32 *bias, i32 batch, i32 channels, i32 size) {
	for (i32 n = 0; n < batch; n++)
		for (i32 c = 0; c < channels; c++)
			for (i32 i = 0; i < size; i++) *y++ += bias[c];
}
