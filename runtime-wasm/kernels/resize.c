// Resampling of the middle axis of [outer, input, inner]. Coordinates are f64, so that ties fall as the specification has them.
// coordinates: 0 half_pixel, 1 pytorch_half_pixel, 2 align_corners, 3 asymmetric, 4 tf_crop_and_resize, 5 tf_half_pixel_for_nn,
// 6 half_pixel_symmetric. The scale is over / under where `scale` is 0.
#include "layout.h"

typedef struct { i32 input, output, coordinates; f64 scale, start, end; } axis_t;

static inline f64 coordinate(axis_t a, i32 at) {
	f64 last = a.input - 1, length = a.scale * a.input;
	switch (a.coordinates) {
		case 1: return a.output > 1 ? (at + 0.5) / a.scale - 0.5 : 0;
		case 2: return length == 1 ? 0 : at * last / (length - 1);
		case 3: return at / a.scale;
		case 4: return a.output > 1 ? a.start * last + at * (a.end - a.start) * last / (a.output - 1) : 0.5 * (a.start + a.end) * last;
		case 5: return (at + 0.5) / a.scale;
		case 6: return a.input * 0.5 * (1 - a.output / length) + (at + 0.5) / a.scale - 0.5;
		default: return (at + 0.5) / a.scale - 0.5;
	}
}

static inline i32 beyond(axis_t a, f64 x) {
	return a.coordinates == 4 && (x < 0 || x > a.input - 1);
}

static inline i32 clamp(i32 at, i32 size) {
	return at < 0 ? 0 : at >= size ? size - 1 : at;
}

// rounding: 0 round_prefer_floor, 1 round_prefer_ceil, 2 floor, 3 ceil. Elements have `bytes` bytes.
KERNEL(resize_nearest)(u8 *y, const u8 *x, const u8 *outside, i32 outer, i32 input, i32 output, i32 inner, f32 scale, i32 over, i32 under, f32 start, f32 end, i32 coordinates, i32 rounding, i32 bytes) {
	axis_t axis = {input, output, coordinates, scale != 0 ? scale : (f64)over / under, start, end};
	i32 run = inner * bytes;
	for (i32 o = 0; o < output; o++) {
		f64 at = coordinate(axis, o);
		f64 near = rounding == 0 ? __builtin_ceil(at - 0.5) : rounding == 1 ? __builtin_floor(at + 0.5) : rounding == 2 ? __builtin_floor(at) : __builtin_ceil(at);
		i32 from = clamp((i32)near, input);
		for (i32 b = 0; b < outer; b++) {
			u8 *to = y + (b * output + o) * run;
			if (beyond(axis, at)) fill_run(to, outside, inner, bytes);
			else copy_run(to, x + (b * input + from) * run, run);
		}
	}
}

// A triangle, or Keys' cubic convolution.
static inline f64 weight(f64 d, i32 cubic, f64 a) {
	d = __builtin_fabs(d);
	if (!cubic) return d < 1 ? 1 - d : 0;
	return d <= 1 ? ((a + 2) * d - (a + 3)) * d * d + 1 : d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

// Weighted means of the positions under the filter; weights are normalised. exclude: positions beyond the edge count nothing.
KERNEL(resize_f32)(f32 *y, const f32 *x, f32 outside, i32 outer, i32 input, i32 output, i32 inner, f32 scale, i32 over, i32 under, f32 start, f32 end, i32 coordinates, i32 cubic, f32 a, i32 antialias, i32 exclude) {
	axis_t axis = {input, output, coordinates, scale != 0 ? scale : (f64)over / under, start, end};
	f64 stretch = antialias && axis.scale < 1 ? axis.scale : 1;
	i32 first = (i32)__builtin_floor(-(cubic ? 2 : 1) / stretch) + 1;
	for (i32 o = 0; o < output; o++) {
		f64 at = coordinate(axis, o), sum = 0;
		i32 base = (i32)__builtin_floor(at), out = beyond(axis, at);
		for (i32 i = first; i <= 1 - first; i++)
			if (!exclude || (base + i >= 0 && base + i < input)) sum += weight((base + i - at) * stretch, cubic, a);
		for (i32 b = 0; b < outer; b++) {
			f32 *to = y + (b * output + o) * inner;
			for (i32 n = 0; n < inner; n++) to[n] = out ? outside : 0;
		}
		for (i32 i = first; i <= 1 - first && !out; i++) {
			if (exclude && (base + i < 0 || base + i >= input)) continue;
			f32 w = (f32)(weight((base + i - at) * stretch, cubic, a) / sum);
			i32 from = clamp(base + i, input);
			for (i32 b = 0; b < outer; b++) {
				f32 *to = y + (b * output + o) * inner;
				const f32 *p = x + (b * input + from) * inner;
				for (i32 n = 0; n < inner; n++) to[n] += w * p[n];
			}
		}
	}
}
