// Gated activations (arXiv 2002.05202): y = activation(gate) · up, rows of gate and up lying gate_row and up_row elements apart.
#include "math.h"

static inline v128_t sigmoid(v128_t x) { return wasm_f32x4_div(wasm_f32x4_splat(1), wasm_f32x4_add(wasm_f32x4_splat(1), exp_f32x4(wasm_f32x4_neg(x)))); }
static inline v128_t silu(v128_t x) { return wasm_f32x4_mul(x, sigmoid(x)); }
static inline v128_t relu(v128_t x) { return wasm_f32x4_max(x, wasm_f32x4_splat(0)); }
// x · sigmoid(2z), the tanh form of GELU: z = sqrt(2/pi)(x + 0.044715 x^3).
static inline v128_t gelu_tanh(v128_t x) {
	v128_t cube = wasm_f32x4_mul(wasm_f32x4_mul(x, x), x);
	v128_t z = wasm_f32x4_mul(wasm_f32x4_splat(2 * 0.7978845608f), wasm_f32x4_add(x, wasm_f32x4_mul(wasm_f32x4_splat(0.044715f), cube)));
	return wasm_f32x4_mul(x, sigmoid(z));
}

#define GATED(name)                                                                                                  \
	KERNEL(gated_##name##_f32)(f32 *y, const f32 *gate, const f32 *up, i32 rows, i32 columns, i32 gate_row, i32 up_row) { \
		for (i32 r = 0; r < rows; r++, y += columns, gate += gate_row, up += up_row) {                               \
			i32 c = 0;                                                                                               \
			for (; c + 4 <= columns; c += 4)                                                                         \
				wasm_v128_store(y + c, wasm_f32x4_mul(name(wasm_v128_load(gate + c)), wasm_v128_load(up + c)));      \
			for (; c < columns; c++)                                                                                 \
				y[c] = wasm_f32x4_extract_lane(name(wasm_f32x4_splat(gate[c])), 0) * up[c];                          \
		}                                                                                                            \
	}

GATED(silu)
GATED(sigmoid)
GATED(relu)
GATED(gelu_tanh)
