// The layout of bit planes, for all kernels that read them.
//
// Code u in [0, 2^bits), w = s (u - z / 8). Parts: plane 0 (lowest bit) to plane bits - 1, scales, zeros.
//   plane   [row block of 16][octet of columns][16 bytes]; bit i of byte r: row r, column 8 j + i
//   scales  [row block][group][16] f16, positive normal      zeros  [row block][group][16] u8, in eighths of a code
#pragma once
#include "code.h"

typedef struct {
	const u8 *plane[5];
	const u16 *scales;
	const u8 *zeros;
} Planes;

INLINE Planes planes_of(const u32 *parts, i32 bits) {
	Planes p;
	UNROLL for (i32 i = 0; i < 5; i++) p.plane[i] = (const u8 *)parts[i < bits ? i : 0];
	p.scales = (const u16 *)parts[bits];
	p.zeros = (const u8 *)parts[bits + 1];
	return p;
}
