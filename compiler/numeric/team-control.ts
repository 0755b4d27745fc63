/** What the threads of a team tell each other through shared words. */

/** Indices of words: the number of the call; threads that have done their share; the kernel; how many values; threads that sleep; that failed. */
export const [GENERATION, DONE, KERNEL, ARGUMENTS, SLEEPERS, FAILED] = [0, 16, 32, 33, 48, 34] as const;

/** Looks before a thread sleeps (a millisecond or two, which is what a virtual machine needs to wake a core), and the milliseconds that a caller sleeps before it looks again. */
export const CALL = {looks: 200_000, wait: 1} as const;

const WORDS = 64;

/** Values of a call, each with its stride between threads. */
const MOST_VALUES = 64;

export const openControl = (): SharedArrayBuffer => new SharedArrayBuffer(4 * WORDS + 16 * MOST_VALUES);

export const controlOf = (control: SharedArrayBuffer): {readonly words: Int32Array; readonly values: Float64Array} => ({
	words: new Int32Array(control, 0, WORDS),
	values: new Float64Array(control, 4 * WORDS, 2 * MOST_VALUES),
});
