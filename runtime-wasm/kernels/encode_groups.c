// Rounds weights to integer codes, group by group, with the scale and zero point of least squared error.
#include "integer_fit.h"

INLINE void store_codes(u8 *codes, const f32 *w, i32 group, Fit fit, f32 top) {
	v128_t inverse = wasm_f32x4_splat(1 / fit.scale), z = wasm_f32x4_splat(fit.zero), t = wasm_f32x4_splat(top);
	for (i32 i = 0; i < group; i += 16) {
		v128_t u[4];
		UNROLL for (i32 k = 0; k < 4; k++) u[k] = wasm_i32x4_trunc_sat_f32x4(codes_of(wasm_v128_load(w + i + 4 * k), inverse, z, t));
		wasm_v128_store(codes + i, wasm_u8x16_narrow_i16x8(wasm_i16x8_narrow_i32x4(u[0], u[1]), wasm_i16x8_narrow_i32x4(u[2], u[3])));
	}
}

// `columns` is a multiple of `group`, `rows` of 16. codes [rows][columns]; scales and zeros [row block][group][16].
KERNEL(encode_groups)(u8 *codes, u16 *scales, u8 *zeros, const f32 *w, i32 rows, i32 columns, i32 group, i32 bits, i32 fraction, f32 narrowest,
					  i32 thread, i32 threads) {
	i32 groups = columns / group;
	f32 top = (f32)((1 << bits) - 1);
	Share share = share_of(rows, thread, threads);
	codes += share.first * columns, w += share.first * columns;
	for (i32 row = share.first; row < share.end; row++) {
		for (i32 g = 0; g < groups; g++, codes += group, w += group) {
			Fit fit = fit_group(w, 0, group, top, (f32)fraction, narrowest);
			i32 at = ((row >> 4) * groups + g) * 16 + (row & 15);
			scales[at] = half_of(fit.scale);
			zeros[at] = (u8)(fit.zero * (f32)fraction);
			store_codes(codes, w, group, fit, top);
		}
	}
}
