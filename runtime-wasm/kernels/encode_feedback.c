// Rounds weights to integer codes column by column; what a column loses is made up for in the columns after it (GPTQ, arXiv 2210.17323).
//
// `u` [inputs][inputs] is the factor of feedback_factor.c. An error of column j, divided by U[j, j], is taken from column k times U[j, k].
// Scales and zeros of a group are found when its first column is reached, from the weights as they are by then; an error in column j
// counts 1 / U[j, j]^2, which is what it costs after the others have made up for it. Columns from `inputs` on are padding: nothing is
// made up for there, and they count nothing.
#include "feedback.h"
#include "integer_fit.h"

// 16 rows side by side.
typedef struct {
	f32 *weights, *errors, *importance, *row, *scales, *zeros;
} Work;

INLINE Work work_of(f32 *scratch, i32 columns, i32 group) {
	Work m = {scratch, scratch + 16 * columns, 0, 0, 0, 0};
	m.importance = m.errors + 16 * BLOCK;
	m.row = m.importance + columns;
	m.scales = m.row + group;
	m.zeros = m.scales + 16;
	return m;
}

// `columns` is a multiple of `group`, `rows` of 16. codes [rows][columns]; scales and zeros [row block][group][16].
// scratch: 17 columns + group + 544 f32.
KERNEL(encode_feedback)(u8 *codes, u16 *scales, u8 *zeros, const f32 *w, const f32 *u, f32 *scratch, i32 rows, i32 columns, i32 inputs, i32 group, i32 bits,
						i32 fraction, f32 narrowest, i32 thread, i32 threads) {
	Work m = work_of(scratch, columns, group);
	f32 top = (f32)((1 << bits) - 1);
	v128_t t = wasm_f32x4_splat(top);
	for (i32 j = 0; j < columns; j++) m.importance[j] = j < inputs ? 1 / (u[j * inputs + j] * u[j * inputs + j]) : 0;
	Share blocks = share_of(rows / 16, thread, threads);
	i32 groups = 16 * columns / group * blocks.first;
	codes += 16 * columns * blocks.first, w += 16 * columns * blocks.first, scales += groups, zeros += groups;
	for (i32 block = blocks.first; block < blocks.end; block++, codes += 16 * columns, w += 16 * columns) {
		for (i32 r = 0; r < 16; r++)
			for (i32 j = 0; j < columns; j++) m.weights[16 * j + r] = w[r * columns + j];
		for (i32 first = 0; first < columns; first += group, scales += 16, zeros += 16) {
			for (i32 r = 0; r < 16; r++) {
				for (i32 c = 0; c < group; c++) m.row[c] = m.weights[16 * (first + c) + r];
				Fit fit = fit_group(m.row, m.importance + first, group, top, (f32)fraction, narrowest);
				scales[r] = half_of(fit.scale);
				zeros[r] = (u8)(fit.zero * (f32)fraction);
				m.scales[r] = fit.scale;
				m.zeros[r] = fit.zero;
			}
			for (i32 c = 0; c < group; c++) {
				i32 j = first + c;
				f32 inverse = j < inputs ? 1 / u[j * inputs + j] : 0;
				f32 *errors = m.errors + 16 * (j % BLOCK);
				UNROLL for (i32 q = 0; q < 4; q++) {
					v128_t v = wasm_v128_load(m.weights + 16 * j + 4 * q), s = wasm_v128_load(m.scales + 4 * q), z = wasm_v128_load(m.zeros + 4 * q);
					v128_t code = codes_of(v, wasm_f32x4_div(wasm_f32x4_splat(1), s), z, t), got = wasm_f32x4_mul(wasm_f32x4_sub(code, z), s);
					wasm_v128_store(errors + 4 * q, wasm_f32x4_mul(wasm_f32x4_sub(v, got), wasm_f32x4_splat(inverse)));
					store_column(codes + 4 * q * columns + j, code, columns);
				}
				if (j < inputs) make_up_for(m.weights, m.errors, u, inputs, j);
			}
		}
	}
}
