// Gated activations (arXiv 2002.05202): y = activation(gate) · up, rows of gate and up lying gate_row and up_row elements apart.
#include "math.h"
#include "share.h"

static inline v128_t sigmoid(v128_t x) { return sigmoid_f32x4(x); }
static inline v128_t silu(v128_t x) { return silu_f32x4(x); }
static inline v128_t relu(v128_t x) { return wasm_f32x4_max(x, wasm_f32x4_splat(0)); }
// x · sigmoid(2z), the tanh form of GELU: z = sqrt(2/pi)(x + 0.044715 x^3).
static inline v128_t gelu_tanh(v128_t x) {
	v128_t cube = wasm_f32x4_mul(wasm_f32x4_mul(x, x), x);
	v128_t z = wasm_f32x4_mul(wasm_f32x4_splat(2 * 0.7978845608f), wasm_f32x4_add(x, wasm_f32x4_mul(wasm_f32x4_splat(0.044715f), cube)));
	return wasm_f32x4_mul(x, sigmoid(z));
}

// Threads share blocks of columns, since a decoder has one row.
#define BLOCK 64

#define GATED(name) \
	KERNEL(gated_##name##_f32)(f32 *y, const f32 *gate, const f32 *up, i32 rows, i32 columns, i32 gate_row, i32 up_row, i32 thread, i32 threads) { \
		Share share = share_of(rows * parts_of_row(columns, BLOCK), thread, threads); \
		for (i32 unit = share.first; unit < share.end; unit++) { \
			RowPart part = row_part(unit, columns, BLOCK); \
			const f32 *g = gate + part.row * gate_row, *u = up + part.row * up_row; \
			f32 *to = y + part.row * columns; \
			i32 c = part.first; \
			for (; c + 16 <= part.end; c += 16) \
				UNROLL for (i32 k = c; k < c + 16; k += 4) wasm_v128_store(to + k, wasm_f32x4_mul(name(wasm_v128_load(g + k)), wasm_v128_load(u + k))); \
			for (; c + 4 <= part.end; c += 4) wasm_v128_store(to + c, wasm_f32x4_mul(name(wasm_v128_load(g + c)), wasm_v128_load(u + c))); \
			for (; c < part.end; c++) to[c] = wasm_f32x4_extract_lane(name(wasm_f32x4_splat(g[c])), 0) * u[c]; \
		} \
	}

GATED(silu)
GATED(sigmoid)
GATED(relu)
GATED(gelu_tanh)
