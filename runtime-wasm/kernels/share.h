// Shares of element-wise work: whole blocks, so that every element is computed as it would be by one thread.
#pragma once
#include "kernel.h"

// Elements; a cache line of f32, and a multiple of all vectors.
#define SHARE_BLOCK 16

static inline Share share_of_elements(i32 count, i32 thread, i32 threads) {
	Share blocks = share_of((count + SHARE_BLOCK - 1) / SHARE_BLOCK, thread, threads);
	i32 end = blocks.end * SHARE_BLOCK;
	return (Share){blocks.first * SHARE_BLOCK, end < count ? end : count};
}

// The part of a row of n elements that is block `unit` of all rows' blocks, which have `block` elements and are numbered row by row.
typedef struct {
	i32 row, first, end;
} RowPart;

static inline i32 parts_of_row(i32 n, i32 block) { return (n + block - 1) / block; }

static inline RowPart row_part(i32 unit, i32 n, i32 block) {
	i32 parts = parts_of_row(n, block), first = unit % parts * block;
	return (RowPart){unit / parts, first, first + block < n ? first + block : n};
}
