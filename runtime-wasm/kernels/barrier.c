// Where the threads of one program meet: nobody leaves before all have come. Central barrier whose sense is a generation counter.
//   block: words a cache line apart: generation, arrived, sleepers, failed; behind the last how often a thread has slept. Zero at first.
// A thread that waits looks for a while, then sleeps; the last to come wakes sleepers only if there are any. Whoever ends
// a run out of turn sets `failed` and raises the generation: those who wait, or come, then end theirs too.
#include "kernel.h"

enum { GENERATION = 0, ARRIVED = 16, SLEEPERS = 32, FAILED = 48, SLEPT = 49 };

// Loads before a thread goes to sleep: a millisecond or two, which is what a virtual machine needs to wake a core.
#define PATIENCE 2000000

#define ORDER __ATOMIC_SEQ_CST

static inline i32 is_past(i32 *block, i32 generation) { return __atomic_load_n(block + GENERATION, ORDER) != generation; }

KERNEL(barrier)(i32 *block, i32 threads) {
	// Sleeping on a memory that is not shared would trap.
	if (threads == 1) return;
	i32 generation = __atomic_load_n(block + GENERATION, ORDER);
	// Before the count: a run that has failed never gathers all.
	check(!__atomic_load_n(block + FAILED, ORDER));
	if (__atomic_add_fetch(block + ARRIVED, 1, ORDER) == threads) {
		__atomic_store_n(block + ARRIVED, 0, ORDER);
		__atomic_add_fetch(block + GENERATION, 1, ORDER);
		if (__atomic_load_n(block + SLEEPERS, ORDER)) __builtin_wasm_memory_atomic_notify(block + GENERATION, -1);
		return;
	}
	i32 tries = 0;
	while (tries < PATIENCE && !is_past(block, generation)) tries++;
	if (tries == PATIENCE) {
		__atomic_add_fetch(block + SLEEPERS, 1, ORDER);
		__atomic_add_fetch(block + SLEPT, 1, ORDER);
		while (!is_past(block, generation)) __builtin_wasm_memory_atomic_wait32(block + GENERATION, generation, -1);
		__atomic_sub_fetch(block + SLEEPERS, 1, ORDER);
	}
	check(!__atomic_load_n(block + FAILED, ORDER));
}
