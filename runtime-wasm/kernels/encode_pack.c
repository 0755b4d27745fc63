// Packs codes [rows][columns], a byte each, into the layouts of `planes.h` and `scalar.h`. `rows` is a multiple of 16, `columns` of 8.
#include "code.h"

// Bit `b` of eight consecutive codes as one byte, the first in bit 0.
INLINE u8 gather_bit(u64 codes, i32 b) { return (u8)((((codes >> b) & 0x0101010101010101ull) * 0x0102040810204080ull) >> 56); }

// `planes` (1 or 2) of the codes, from bit `bit` on, those of a row side by side.
KERNEL(encode_pack_planes)(u8 *out, const u8 *codes, i32 rows, i32 columns, i32 bit, i32 planes) {
	for (i32 row = 0; row < rows; row += 16, codes += 16 * columns) {
		for (i32 c = 0; c < columns; c += 8) {
			for (i32 r = 0; r < 16; r++) {
				for (i32 p = 0; p < planes; p++) *out++ = gather_bit(*(const u64 *)(codes + r * columns + c), bit + p);
			}
		}
	}
}

// Slices bits `from` to `from + width` of every code; a byte of `out` holds those of 8 / width vectors.
KERNEL(encode_pack_slice)(u8 *out, const u8 *codes, i32 rows, i32 columns, i32 from, i32 width) {
	i32 held = 8 / width;
	v128_t mask = wasm_i8x16_splat((i8)((1 << width) - 1));
	for (i32 row = 0; row < rows; row += 16, codes += 16 * columns) {
		for (i32 c = 0; c < columns; c += 8) {
			for (i32 v = 0; v < 8; v += held, out += 16) {
				v128_t byte = wasm_i8x16_splat(0);
				for (i32 k = 0; k < held; k++) {
					const u8 *at = codes + 4 * ((v + k) & 3) * columns + c + ((v + k) & 4);
					v128_t four = wasm_v128_load32_zero(at);
					four = wasm_v128_load32_lane(at + columns, four, 1);
					four = wasm_v128_load32_lane(at + 2 * columns, four, 2);
					four = wasm_v128_load32_lane(at + 3 * columns, four, 3);
					byte = wasm_v128_or(byte, wasm_i8x16_shl(wasm_v128_and(wasm_u8x16_shr(four, (u32)from), mask), (u32)(width * k)));
				}
				wasm_v128_store(out, byte);
			}
		}
	}
}
