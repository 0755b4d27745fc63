// Products of matrices that both are data (weights go through their codec's kernels). The batch is a list of axes, each with its
// length and what one step moves in y, a and b, in elements; 0 repeats an operand. `strides` are of rows and columns: y, a, b.
#include "matmul.h"

KERNEL(matmul_f32)(f32 *y, const f32 *a, const f32 *b, i32 m, i32 n, i32 k, const i32 *strides, const i32 *batch, i32 batch_rank) {
	matmul_strides s = {strides[0], strides[1], strides[2], strides[3], strides[4], strides[5]};
	i32 count = 1;
	for (i32 axis = 0; axis < batch_rank; axis++) count *= batch[axis * 4];
	for (i32 index = 0; index < count; index++) {
		i32 rest = index, to = 0, from_a = 0, from_b = 0;
		for (i32 axis = batch_rank - 1; axis >= 0; axis--) {
			const i32 *step = batch + axis * 4;
			i32 at = rest % step[0];
			rest /= step[0];
			to += at * step[1];
			from_a += at * step[2];
			from_b += at * step[3];
		}
		matmul_strided(y + to, a + from_a, b + from_b, m, n, k, s);
	}
}

// y = alpha y + beta c, c read with these strides (0 repeats it).
KERNEL(scale_add_f32)(f32 *y, const f32 *c, i32 rows, i32 columns, i32 c_row, i32 c_column, f32 alpha, f32 beta) {
	for (i32 r = 0; r < rows; r++, y += columns, c += c_row)
		for (i32 j = 0; j < columns; j++) y[j] = alpha * y[j] + beta * c[j * c_column];
}

KERNEL(scale_f32)(f32 *y, i32 count, f32 alpha) {
	for (i32 i = 0; i < count; i++) y[i] *= alpha;
}
