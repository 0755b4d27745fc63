// Comparisons (result bool: 0 or 1), logic of bools, and bit operations of two tensors that broadcast.
#include "binary.h"

#define EQUAL(T) BINARY_MAP(binary_equal_##T, u8, T, T, u == w)
#define ORDER(T) \
	BINARY_MAP(binary_less_##T, u8, T, T, u < w) \
	BINARY_MAP(binary_less_or_equal_##T, u8, T, T, u <= w)
#define BITS(T) \
	BINARY_MAP(binary_bitwise_and_##T, T, T, T, u & w) \
	BINARY_MAP(binary_bitwise_or_##T, T, T, T, u | w) \
	BINARY_MAP(binary_bitwise_xor_##T, T, T, T, u ^ w) \
	BINARY_MAP(binary_shift_left_##T, T, T, T, w < sizeof(T) * 8 ? (u64)u << w : 0) \
	BINARY_MAP(binary_shift_right_##T, T, T, T, w < sizeof(T) * 8 ? (u64)u >> w : 0)

FOR_UNSIGNED(EQUAL)
FOR_FLOATS(EQUAL)
FOR_NUMBERS(ORDER)
FOR_UNSIGNED(BITS)

BINARY_MAP(binary_and_u8, u8, u8, u8, u && w)
BINARY_MAP(binary_or_u8, u8, u8, u8, u || w)
BINARY_MAP(binary_xor_u8, u8, u8, u8, !u != !w)
