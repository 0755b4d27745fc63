// Normalisation of images [batch, channels, space] and of single axes. May work in place, but for local response.
#include "math.h"
#include "power.h"

static inline void scale_shift(f32 *y, const f32 *x, i32 count, f32 scale, f32 shift) {
	v128_t s = wasm_f32x4_splat(scale), t = wasm_f32x4_splat(shift);
	i32 i = 0;
	for (; i + 4 <= count; i += 4) wasm_v128_store(y + i, muladd_f32x4(wasm_v128_load(x + i), s, t));
	for (; i < count; i++) y[i] = x[i] * scale + shift;
}

// Each group of `channels` neighbouring channels has zero mean and unit variance, then scale and bias: one for each channel, or one for
// each group where `grouped` is set. With one channel a group it is instance norm.
KERNEL(group_norm_f32)(f32 *y, const f32 *x, const f32 *scale, const f32 *bias, i32 batch, i32 groups, i32 channels, i32 space, i32 grouped, f32 epsilon) {
	i32 count = channels * space;
	for (i32 b = 0; b < batch; b++) {
		for (i32 g = 0; g < groups; g++, x += count, y += count) {
			f64 sum = 0, squares = 0;
			for (i32 i = 0; i < count; i++) sum += x[i];
			f64 mean = sum / count;
			for (i32 i = 0; i < count; i++) squares += (x[i] - mean) * (x[i] - mean);
			f32 factor = (f32)(1 / __builtin_sqrt(squares / count + epsilon));
			for (i32 c = 0; c < channels; c++) {
				i32 at = grouped ? g : g * channels + c;
				f32 s = scale[at] * factor;
				scale_shift(y + c * space, x + c * space, space, s, bias[at] - (f32)mean * s);
			}
		}
	}
}

// y = (x - mean) / sqrt(variance + epsilon) scale + bias with given statistics for each channel.
KERNEL(batch_norm_f32)(f32 *y, const f32 *x, const f32 *scale, const f32 *bias, const f32 *mean, const f32 *variance, i32 batch, i32 channels, i32 space, f32 epsilon) {
	for (i32 b = 0; b < batch; b++) {
		for (i32 c = 0; c < channels; c++, x += space, y += space) {
			f32 s = scale[c] / __builtin_sqrtf(variance[c] + epsilon);
			scale_shift(y, x, space, s, bias[c] - mean[c] * s);
		}
	}
}

// x [outer, length, inner] divided by the sum of magnitudes (p = 1) or the root of the sum of squares (p = 2) along the axis; 0 where
// that is 0.
KERNEL(lp_norm_f32)(f32 *y, const f32 *x, i32 outer, i32 length, i32 inner, i32 p) {
	for (i32 o = 0; o < outer; o++, x += length * inner, y += length * inner) {
		for (i32 i = 0; i < inner; i++) {
			f32 sum = 0;
			for (i32 k = 0; k < length; k++) {
				f32 v = x[k * inner + i];
				sum += p == 1 ? __builtin_fabsf(v) : v * v;
			}
			f32 norm = p == 1 ? sum : __builtin_sqrtf(sum);
			for (i32 k = 0; k < length; k++) y[k * inner + i] = norm == 0 ? 0 : x[k * inner + i] / norm;
		}
	}
}

// Local response: x / (bias + alpha / size * sum of squares over `size` channels around)^beta.
KERNEL(local_response_norm_f32)(f32 *y, const f32 *x, i32 batch, i32 channels, i32 space, i32 size, f32 alpha, f32 beta, f32 bias) {
	i32 before = (size - 1) / 2, after = size / 2;
	for (i32 b = 0; b < batch; b++, x += channels * space) {
		for (i32 c = 0; c < channels; c++, y += space) {
			i32 first = c > before ? c - before : 0, end = c + after < channels ? c + after + 1 : channels;
			for (i32 i = 0; i < space; i++) {
				f32 sum = 0;
				for (i32 k = first; k < end; k++) sum += x[k * space + i] * x[k * space + i];
				y[i] = x[c * space + i] / (f32)pow_f64(bias + alpha / (f32)size * sum, beta);
			}
		}
	}
}
