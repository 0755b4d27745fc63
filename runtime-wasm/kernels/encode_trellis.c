// Trellis codes column by column, each by Viterbi's algorithm over its rows; what a column loses is made up for in the columns after it, as
// in encode_feedback.c. Threads take segments.
#include "feedback.h"
#include "trellis_search.h"

INLINE void encode_segment(u8 *codes, const f32 *scales, f32 typical, const f32 *w, const f32 *u, u8 *scratch, i32 rows, i32 columns, i32 inputs, i32 halves) {
	i32 blocks = rows / 16, stride = 16 * columns;
	f32 *weights = (f32 *)(scratch + 2 * SEARCH_WORDS), *errors = weights + rows * columns, *got = errors + rows * BLOCK;
	Search m = search_of((u16 *)scratch, (u8 *)(got + rows), halves);
	for (i32 r = 0; r < rows; r++)
		for (i32 j = 0; j < columns; j++) weights[(r >> 4) * stride + 16 * j + (r & 15)] = w[r * columns + j];
	for (i32 j = 0; j < columns; j++) {
		f32 *want = weights + 16 * j;
		search_column(codes + j, got, want, scales, typical, m, rows, stride, columns, halves);
		if (!u || j >= inputs) continue;
		v128_t inverse = wasm_f32x4_splat(1 / u[j * inputs + j]);
		for (i32 b = 0; b < blocks; b++) {
			f32 *of_block = errors + 16 * BLOCK * b;
			UNROLL for (i32 q = 0; q < 4; q++) {
				v128_t e = wasm_f32x4_sub(wasm_v128_load(want + b * stride + 4 * q), wasm_v128_load(got + 16 * b + 4 * q));
				wasm_v128_store(of_block + 16 * (j % BLOCK) + 4 * q, wasm_f32x4_mul(e, inverse));
			}
			make_up_for(weights + b * stride, of_block, u, inputs, j);
		}
	}
}

// Rows, a multiple of 16, in segments of `segment` rows. codes [rows][columns]; scales [rows], of which `typical` has one for each segment;
// u [inputs][inputs] the factor of feedback_factor.c, or 0. Columns from `inputs` on are padding.
// scratch: 8 STATES + segment (4 columns + 132 + (STATES >> halves / 2)) bytes.
#define ENCODE(name, halves) \
	KERNEL(encode_trellis##name)(u8 *codes, const f32 *scales, const f32 *typical, const f32 *w, const f32 *u, u8 *scratch, i32 rows, i32 columns, i32 inputs, \
								 i32 segment, i32 thread, i32 threads) { \
		Share share = share_of(ceil_divide(rows, segment), thread, threads); \
		for (i32 s = share.first; s < share.end; s++) { \
			i32 row = s * segment, count = rows - row < segment ? rows - row : segment; \
			encode_segment(codes + row * columns, scales + row, typical[s], w + row * columns, u, scratch, count, columns, inputs, halves); \
		} \
	}

EACH_TRELLIS(ENCODE)

// Packs codes [rows][columns] as trellis.h has them, columns padded; 16 rows fill their words.
KERNEL(encode_pack_trellis)(u8 *out, const u8 *codes, i32 rows, i32 columns, i32 halves) {
	for (i32 row = 0; row < rows; row += 16) {
		for (i32 c = 0; c < columns; c++) {
			u8 *to = out + 8 * halves * ((row >> 4) * (columns >> 3) + (c >> 3));
			i32 place = place_of(c & 7), count = 0;
			u32 held = 0;
			for (i32 r = 0; r < 16; r++) {
				i32 bits = bits_of(r, halves);
				held = held << bits | codes[(row + r) * columns + c];
				count += bits;
				if (count >= 16) {
					count -= 16;
					((u16 *)to)[place] = (u16)(held >> count);
					to += 16;
				}
			}
			if (halves & 1) to[place] = (u8)held;
		}
	}
}
