// Normalisation of rows: layer norm y = (x - mean) / sqrt(var + epsilon) and RMS norm y = x / sqrt(mean x^2 + epsilon), each then
// times scale and plus bias, which have one row. Rows are read twice or three times, from cache. May work in place.
#include "math.h"

static inline f32 row_sum(const f32 *x, i32 columns) {
	v128_t a = wasm_f32x4_splat(0), b = a;
	i32 c = 0;
	for (; c + 8 <= columns; c += 8) {
		a = wasm_f32x4_add(a, wasm_v128_load(x + c));
		b = wasm_f32x4_add(b, wasm_v128_load(x + c + 4));
	}
	f32 sum = sum_f32x4(wasm_f32x4_add(a, b));
	for (; c < columns; c++) sum += x[c];
	return sum;
}

// sum (x - mean)^2
static inline f32 row_squares(const f32 *x, i32 columns, f32 mean) {
	v128_t a = wasm_f32x4_splat(0), b = a, m = wasm_f32x4_splat(mean);
	i32 c = 0;
	for (; c + 8 <= columns; c += 8) {
		v128_t u = wasm_f32x4_sub(wasm_v128_load(x + c), m), v = wasm_f32x4_sub(wasm_v128_load(x + c + 4), m);
		a = muladd_f32x4(u, u, a);
		b = muladd_f32x4(v, v, b);
	}
	f32 sum = sum_f32x4(wasm_f32x4_add(a, b));
	for (; c < columns; c++) sum += (x[c] - mean) * (x[c] - mean);
	return sum;
}

// y = (x - mean) factor scale + bias; scale and bias may be absent (0).
static inline void apply(f32 *y, const f32 *x, const f32 *scale, const f32 *bias, i32 columns, f32 mean, f32 factor) {
	v128_t m = wasm_f32x4_splat(mean), f = wasm_f32x4_splat(factor);
	i32 c = 0;
	for (; c + 4 <= columns; c += 4) {
		v128_t v = wasm_f32x4_mul(wasm_f32x4_sub(wasm_v128_load(x + c), m), f);
		if (scale) v = wasm_f32x4_mul(v, wasm_v128_load(scale + c));
		if (bias) v = wasm_f32x4_add(v, wasm_v128_load(bias + c));
		wasm_v128_store(y + c, v);
	}
	for (; c < columns; c++) {
		f32 v = (x[c] - mean) * factor;
		if (scale) v *= scale[c];
		if (bias) v += bias[c];
		y[c] = v;
	}
}

// Threads share rows.
static inline void layer_norm(f32 *y, const f32 *x, const f32 *scale, const f32 *bias, i32 rows, i32 columns, f32 epsilon, i32 thread, i32 threads) {
	Share share = share_of(rows, thread, threads);
	for (i32 r = share.first; r < share.end; r++) {
		const f32 *from = x + r * columns;
		f32 mean = row_sum(from, columns) / (f32)columns;
		f32 variance = row_squares(from, columns, mean) / (f32)columns;
		apply(y + r * columns, from, scale, bias, columns, mean, 1 / __builtin_sqrtf(variance + epsilon));
	}
}

static inline void rms_norm(f32 *y, const f32 *x, const f32 *scale, i32 rows, i32 columns, f32 epsilon, i32 thread, i32 threads) {
	Share share = share_of(rows, thread, threads);
	for (i32 r = share.first; r < share.end; r++) {
		const f32 *from = x + r * columns;
		f32 square = row_squares(from, columns, 0) / (f32)columns;
		apply(y + r * columns, from, scale, 0, columns, 0, 1 / __builtin_sqrtf(square + epsilon));
	}
}

KERNEL(layer_norm_f32)(f32 *y, const f32 *x, const f32 *scale, const f32 *bias, i32 rows, i32 columns, f32 epsilon, i32 thread, i32 threads) {
	layer_norm(y, x, scale, bias, rows, columns, epsilon, thread, threads);
}

KERNEL(layer_norm_scale_f32)(f32 *y, const f32 *x, const f32 *scale, i32 rows, i32 columns, f32 epsilon, i32 thread, i32 threads) {
	layer_norm(y, x, scale, 0, rows, columns, epsilon, thread, threads);
}

KERNEL(layer_norm_plain_f32)(f32 *y, const f32 *x, i32 rows, i32 columns, f32 epsilon, i32 thread, i32 threads) {
	layer_norm(y, x, 0, 0, rows, columns, epsilon, thread, threads);
}

KERNEL(rms_norm_f32)(f32 *y, const f32 *x, const f32 *scale, i32 rows, i32 columns, f32 epsilon, i32 thread, i32 threads) {
	rms_norm(y, x, scale, rows, columns, epsilon, thread, threads);
}

KERNEL(rms_norm_plain_f32)(f32 *y, const f32 *x, i32 rows, i32 columns, f32 epsilon, i32 thread, i32 threads) {
	rms_norm(y, x, 0, rows, columns, epsilon, thread, threads);
}

// What layer norm computes on the way: the mean and 1 / sqrt(var + epsilon) of each row.
KERNEL(row_mean_f32)(f32 *y, const f32 *x, i32 rows, i32 columns) {
	for (i32 r = 0; r < rows; r++, x += columns) y[r] = row_sum(x, columns) / (f32)columns;
}

KERNEL(row_inverse_deviation_f32)(f32 *y, const f32 *x, i32 rows, i32 columns, f32 epsilon) {
	for (i32 r = 0; r < rows; r++, x += columns) {
		f32 mean = row_sum(x, columns) / (f32)columns;
		y[r] = 1 / __builtin_sqrtf(row_squares(x, columns, mean) / (f32)columns + epsilon);
	}
}

KERNEL(row_inverse_rms_f32)(f32 *y, const f32 *x, i32 rows, i32 columns, f32 epsilon) {
	for (i32 r = 0; r < rows; r++, x += columns) y[r] = 1 / __builtin_sqrtf(row_squares(x, columns, 0) / (f32)columns + epsilon);
}
