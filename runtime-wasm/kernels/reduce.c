// Reductions over any axes, f32 in SIMD. Each output element reads a box of x: `dims` and `strides` walk the outputs, `reduced_dims`
// and `reduced_strides` the box. Where the box's last axis is contiguous its elements are summed four at a time; where the outputs'
// last axis is, four outputs are made at once.
#include "broadcast.h"
#include "math.h"

#define BOX i32 rank, const i32 *dims, const i32 *strides, i32 reduced_rank, const i32 *reduced_dims, const i32 *reduced_strides

// Folds `step(accumulator, x)` over the box at p, lane by lane, for four outputs side by side.
#define FOLD_COLUMNS(p, start, step) ({ \
	v128_t accumulator = wasm_f32x4_splat(start); \
	for (i32 j = 0; j < lines; j++) { \
		const f32 *q = (p) + offset_of(j, reduced_rank - 1, reduced_dims, reduced_strides); \
		for (i32 k = 0; k < n; k++) accumulator = step(accumulator, wasm_v128_load(q + k * stride)); \
	} \
	accumulator; \
})

// The same over one box, for one output; `join` folds the four lanes.
#define FOLD_BOX(p, start, step, join) ({ \
	v128_t sums = wasm_f32x4_splat(start); \
	for (i32 j = 0; j < lines; j++) { \
		const f32 *q = (p) + offset_of(j, reduced_rank - 1, reduced_dims, reduced_strides); \
		i32 k = 0; \
		if (stride == 1) { \
			for (; k + 4 <= n; k += 4) sums = step(sums, wasm_v128_load(q + k)); \
		} \
		for (; k < n; k++) sums = wasm_f32x4_replace_lane(sums, 0, wasm_f32x4_extract_lane(step(sums, wasm_f32x4_splat(q[k * stride])), 0)); \
	} \
	sums = join(sums, wasm_i32x4_shuffle(sums, sums, 2, 3, 0, 1)); \
	sums = join(sums, wasm_i32x4_shuffle(sums, sums, 1, 0, 3, 2)); \
	wasm_f32x4_extract_lane(sums, 0); \
})

#define REDUCE(name, start, step, join, finish) \
	KERNEL(reduce_##name##_f32)(f32 *y, const f32 *x, BOX) { \
		i32 m = dims[rank - 1], rows = m ? product(rank - 1, dims) : 0, spacing = strides[rank - 1]; \
		i32 n = reduced_dims[reduced_rank - 1], lines = n ? product(reduced_rank - 1, reduced_dims) : 0, stride = reduced_strides[reduced_rank - 1]; \
		v128_t count = wasm_f32x4_splat((f32)(lines * n)); \
		(void)count; \
		for (i32 r = 0; r < rows; r++, y += m) { \
			const f32 *p = x + offset_of(r, rank - 1, dims, strides); \
			i32 i = 0; \
			if (spacing == 1 && stride != 1) { \
				for (; i + 4 <= m; i += 4) wasm_v128_store(y + i, finish(FOLD_COLUMNS(p + i, start, step))); \
			} \
			for (; i < m; i++) y[i] = wasm_f32x4_extract_lane(finish(wasm_f32x4_splat(FOLD_BOX(p + i * spacing, start, step, join))), 0); \
		} \
	}

static inline v128_t add_magnitude(v128_t a, v128_t x) { return wasm_f32x4_add(a, wasm_f32x4_abs(x)); }

static inline v128_t add_square(v128_t a, v128_t x) { return muladd_f32x4(x, x, a); }

#define SAME(v) (v)
#define MEAN(v) wasm_f32x4_div(v, count)

REDUCE(sum, 0, wasm_f32x4_add, wasm_f32x4_add, SAME)
REDUCE(mean, 0, wasm_f32x4_add, wasm_f32x4_add, MEAN)
REDUCE(prod, 1, wasm_f32x4_mul, wasm_f32x4_mul, SAME)
REDUCE(max, -INFINITY_F32, wasm_f32x4_max, wasm_f32x4_max, SAME)
REDUCE(min, INFINITY_F32, wasm_f32x4_min, wasm_f32x4_min, SAME)
REDUCE(l1, 0, add_magnitude, wasm_f32x4_add, SAME)
REDUCE(l2, 0, add_square, wasm_f32x4_add, wasm_f32x4_sqrt)
REDUCE(sum_square, 0, add_square, wasm_f32x4_add, SAME)
REDUCE(log_sum, 0, wasm_f32x4_add, wasm_f32x4_add, log_f32x4)

// log sum e^x = m + log sum e^(x - m) with the largest element m, so that nothing overflows.
KERNEL(reduce_log_sum_exp_f32)(f32 *y, const f32 *x, BOX) {
	i32 count = product(rank, dims);
	i32 n = reduced_dims[reduced_rank - 1], lines = n ? product(reduced_rank - 1, reduced_dims) : 0, stride = reduced_strides[reduced_rank - 1];
	for (i32 i = 0; i < count; i++) {
		const f32 *p = x + offset_of(i, rank, dims, strides);
		f32 top = FOLD_BOX(p, -INFINITY_F32, wasm_f32x4_max, wasm_f32x4_max), sum = 0;
		if (top == INFINITY_F32 || top == -INFINITY_F32 || top != top) {
			y[i] = top;
			continue;
		}
		for (i32 j = 0; j < lines; j++) {
			const f32 *q = p + offset_of(j, reduced_rank - 1, reduced_dims, reduced_strides);
			for (i32 k = 0; k < n; k++) sum += exp_f32(q[k * stride] - top);
		}
		y[i] = top + log_f32(sum);
	}
}
