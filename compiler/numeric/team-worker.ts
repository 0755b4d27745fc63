/** A thread of a team: does its share of every call. */
import {parentPort, workerData} from 'node:worker_threads';
import {instantiate} from './kernels.js';
import {ARGUMENTS, CALL, controlOf, DONE, FAILED, GENERATION, KERNEL, SLEEPERS} from './team-control.js';

type Start = {
	readonly module: WebAssembly.Module;
	readonly memory: WebAssembly.Memory;
	readonly control: SharedArrayBuffer;
	readonly names: readonly string[];
	readonly thread: number;
	readonly threads: number;
};

const {module, memory, control, names, thread, threads} = workerData as Start;
const kernels = instantiate(module, memory);
const {words, values} = controlOf(control);

/** Returns once there is a call after `generation`. */
function nextCall(generation: number): number {
	for (let look = 0; look < CALL.looks; look++) {
		const found = Atomics.load(words, GENERATION);
		if (found !== generation) {
			return found;
		}
	}

	Atomics.add(words, SLEEPERS, 1);
	// Whoever calls wakes all sleepers, also those that have done this share and sleep again.
	while (Atomics.load(words, GENERATION) === generation) {
		Atomics.wait(words, GENERATION, generation);
	}

	Atomics.sub(words, SLEEPERS, 1);
	return Atomics.load(words, GENERATION);
}

parentPort!.postMessage('ready');
for (let generation = nextCall(0); ; generation = nextCall(generation)) {
	const count = words[ARGUMENTS]!;
	try {
		const own = Array.from({length: count}, (_, index) => values[2 * index]! + thread * values[2 * index + 1]!);
		kernels.call(names[words[KERNEL]!]!, ...own, thread, threads);
	} catch {
		Atomics.store(words, FAILED, 1);
	}

	Atomics.add(words, DONE, 1);
	Atomics.notify(words, DONE);
}
