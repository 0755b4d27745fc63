/**
 * What the threads of one model tell each other through a shared block of words: which job comes next, who sleeps, who had to stop.
 * A job is one call of an entry by the first so many threads. Where they meet inside it is the program's affair (`kernels/barrier.c`).
 */
import {BARRIER_BYTES} from '../../compiler/bundle/format.js';

const words = {job: 0, sleepers: 16, stopped: 32, failed: 48, messageBytes: 49, entry: 64, symbols: 65} as const;
/** Bytes. */
const message = {at: 4096, most: 1024} as const;

/** The number of a job ends in how many threads it is for, so that who has none need not look at what the next one may be writing over. */
const THREAD_BITS = 8;

export const MOST_THREADS = 2 ** THREAD_BITS - 1;

/** Milliseconds that a thread looks for a job before it sleeps: longer than the caller needs between the entries of one token. */
const patience = 0.5;

/** Looks at the job number between two at the clock. */
const looks = 1000;

/** Words of the program's barrier, in its memory. */
const barrierWords = {generation: 0, arrived: 16, sleepers: 32, failed: 48, slept: 49} as const;

export const mostSymbols = (message.at - 4 * words.symbols) / 4;

export type Control = {readonly words: Int32Array; readonly barrier: Int32Array};

export const createControl = (): SharedArrayBuffer => new SharedArrayBuffer(message.at + message.most);

export const openControl = (block: SharedArrayBuffer, memory: WebAssembly.Memory, barrier: number): Control => ({
	words: new Int32Array(block),
	barrier: new Int32Array(memory.buffer, barrier, BARRIER_BYTES / 4),
});

/** Gives the threads below `threads` their next job; the others have none. What was written to the memory before is theirs to see. */
export function publish({words: block}: Control, entry: number, symbols: readonly number[], threads: number): void {
	block[words.entry] = entry;
	block.set(symbols, words.symbols);
	Atomics.store(block, words.job, (((Atomics.load(block, words.job) >> THREAD_BITS) + 1) << THREAD_BITS) | threads);
	if (Atomics.load(block, words.sleepers) > 0) {
		Atomics.notify(block, words.job);
	}
}

/** What a thread has to do. */
export type Task = {readonly entry: number; readonly threads: number; readonly symbols: readonly number[]};

/** Waits for another job than `seen`; blocks the thread. @param soon Whether one may be expected: else the thread sleeps at once. @returns no task where the job is for fewer threads. */
export function nextJob(
	{words: block}: Control,
	thread: number,
	{seen, soon}: {readonly seen: number; readonly soon: boolean},
	symbolCounts: readonly number[],
): {readonly job: number; readonly task: Task | undefined} {
	let job = seen;
	const until = performance.now() + (soon ? patience : 0);
	do {
		for (let tries = 0; tries < looks && job === seen; tries++) {
			job = Atomics.load(block, words.job);
		}
	} while (job === seen && performance.now() < until);

	if (job === seen) {
		Atomics.add(block, words.sleepers, 1);
		while ((job = Atomics.load(block, words.job)) === seen) {
			Atomics.wait(block, words.job, seen);
		}

		Atomics.sub(block, words.sleepers, 1);
	}

	const threads = job & MOST_THREADS;
	if (thread >= threads) {
		return {job, task: undefined};
	}

	const entry = block[words.entry]!;
	return {job, task: {entry, threads, symbols: [...block.subarray(words.symbols, words.symbols + symbolCounts[entry]!)]}};
}

/** Whether a job is still under way, as far as a thread that takes part in it can say: the next one comes when all have done theirs. */
export const isCurrent = ({words: block}: Control, job: number): boolean => Atomics.load(block, words.job) === job;

/** How often threads have slept at the program's barrier so far. */
export const sleepsOf = ({barrier}: Control): number => Atomics.load(barrier, barrierWords.slept);

/** Ends a job on all its threads, for the reason of the first to say so: whoever waits at the barrier, or comes to it, traps. */
export function abandon({words: block, barrier}: Control, reason: string): void {
	if (Atomics.compareExchange(block, words.failed, 0, 1) === 0) {
		const text = new TextEncoder().encode(reason).subarray(0, message.most);
		new Uint8Array(block.buffer, message.at).set(text);
		block[words.messageBytes] = text.length;
	}

	Atomics.store(barrier, barrierWords.failed, 1);
	// A thread that is about to sleep finds that the generation has changed.
	Atomics.add(barrier, barrierWords.generation, 1);
	Atomics.notify(barrier, barrierWords.generation);
}

/** Says that this thread is out of the abandoned job. */
export function stop({words: block}: Control): void {
	Atomics.add(block, words.stopped, 1);
	Atomics.notify(block, words.stopped);
}

/** Waits until `others` have stopped too, makes everything ready for the next job, and gives the reason of the first. */
export function recover({words: block, barrier}: Control, others: number): string {
	let stopped = Atomics.load(block, words.stopped);
	while (stopped < others) {
		Atomics.wait(block, words.stopped, stopped);
		stopped = Atomics.load(block, words.stopped);
	}

	const reason = new TextDecoder().decode(new Uint8Array(block.buffer, message.at, block[words.messageBytes]).slice());
	for (const word of [words.stopped, words.failed]) {
		Atomics.store(block, word, 0);
	}

	// Who sleeps counts itself out.
	for (const word of [barrierWords.arrived, barrierWords.failed]) {
		Atomics.store(barrier, word, 0);
	}

	return reason;
}
