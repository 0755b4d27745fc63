// The layout of bit planes, for all kernels that read them.
//
// Code u in [0, 2^bits), bits 2 or 3, w = s (u - z / 8). The two highest planes lie as pairs, the lowest of three by itself:
//   pairs   [row block of 16][octet of columns][2][16 bytes]; byte 2 r + p of half h: row 8 h + r, the lower (p = 0) or higher plane
//   plane   [row block][octet of columns][16 bytes]; byte r: row r
//   scales  [row block][group][16] f16, positive normal      zeros  [row block][group][16] u8, in eighths of a code
// Bit i of a byte of planes: column 8 j + i of octet j.
#pragma once
#include "code.h"

typedef struct {
	const u8 *pairs, *plane;
	const u16 *scales;
	const u8 *zeros;
} Planes;

INLINE Planes planes_of(const u32 *parts, i32 bits) {
	return (Planes){(const u8 *)parts[0], (const u8 *)parts[bits == 3 ? 1 : 0], (const u16 *)parts[bits - 1], (const u8 *)parts[bits]};
}
