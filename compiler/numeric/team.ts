/**
 * The project's own kernels in a memory that threads share: a call of a kernel that takes threads is done by all of them, each its share, as
 * in a program that runs; the result does not depend on their number.
 *
 * Calls are synchronous: whoever calls does a share, too, and then waits for the others.
 */
import {availableParallelism} from 'node:os';
import {Worker} from 'node:worker_threads';
import {SnugError} from '../error.js';
import {isThreaded, readPrototypes} from '../plan/prototypes.js';
import {instantiate, layOutIn, PAGE, readKernels, withKernels, type CompileKernels} from './kernels.js';
import {setMemoryLimits} from './memory-limits.js';
import {workerFile} from '../built-files.js';
import {ARGUMENTS, CALL, controlOf, DONE, FAILED, GENERATION, KERNEL, openControl, SLEEPERS} from './team-control.js';

export type Team = Pick<CompileKernels, 'memory' | 'threads' | 'call'> & {
	/** Ends the other threads. */
	close(): void;
};

const isReady = async (worker: Worker): Promise<void> =>
	new Promise((resolve, reject) => {
		worker.once('message', () => {
			resolve();
		});
		worker.once('error', reject);
	});

/** Beyond this many, shares are too small; of models with fewer weights, too. */
const [MOST_THREADS, LEAST_WEIGHTS] = [16, 1 << 24];

/** Threads for a model of so many weights. */
export const teamSize = (weights: number): number => (weights < LEAST_WEIGHTS ? 1 : Math.min(MOST_THREADS, availableParallelism()));

export async function openTeam(threads: number): Promise<Team> {
	const memory = new WebAssembly.Memory({initial: 1, maximum: PAGE, shared: threads > 1});
	const wasm = readKernels();
	const module = new WebAssembly.Module((threads > 1 ? setMemoryLimits(wasm, {minimum: 0, maximum: PAGE, shared: true}) : wasm) as BufferSource);
	const kernels = instantiate(module, memory);
	const prototypes = readPrototypes();
	const names = Object.keys(prototypes);
	const numbers = new Map(names.map((name, index) => [name, index]));
	const control = openControl();
	const {words, values: slots} = controlOf(control);
	const file = workerFile('team-worker.js');
	const workers = Array.from({length: threads - 1}, (_, index) => {
		const worker = new Worker(file, {workerData: {module, memory, control, names, thread: index + 1, threads}});
		worker.unref();
		return worker;
	});
	// Calls block this thread, which a worker that starts may need.
	try {
		await Promise.all(workers.map(isReady));
	} catch (error) {
		for (const worker of workers) {
			void worker.terminate();
		}

		throw error;
	}

	const waitForOthers = (): void => {
		for (let look = 0; look < CALL.looks; look++) {
			if (Atomics.load(words, DONE) === threads - 1) {
				return;
			}
		}

		for (let done = Atomics.load(words, DONE); done < threads - 1; done = Atomics.load(words, DONE)) {
			Atomics.wait(words, DONE, done, CALL.wait);
		}
	};

	return {
		memory,
		threads,
		call(name, ...values) {
			const own = values.map(value => (typeof value === 'number' ? value : value.address));
			const prototype = prototypes[name];
			if (threads === 1 || !prototype || !isThreaded(prototype)) {
				kernels.call(name, ...own, ...(prototype && isThreaded(prototype) ? [0, 1] : []));
				return;
			}

			words[KERNEL] = numbers.get(name)!;
			words[ARGUMENTS] = values.length;
			for (const [index, value] of values.entries()) {
				slots[2 * index] = own[index]!;
				slots[2 * index + 1] = typeof value === 'number' ? 0 : value.stride;
			}

			Atomics.store(words, DONE, 0);
			Atomics.add(words, GENERATION, 1);
			if (Atomics.load(words, SLEEPERS) > 0) {
				Atomics.notify(words, GENERATION);
			}

			try {
				kernels.call(name, ...own, 0, threads);
			} finally {
				waitForOthers();
			}

			if (Atomics.load(words, FAILED) > 0) {
				throw new SnugError('kernel-failed', {subject: `kernel ${name}`, problem: 'ended out of turn on one of its threads'});
			}
		},
		close() {
			for (const worker of workers) {
				void worker.terminate();
			}
		},
	};
}

/** Does some work with a team of its own, and closes it. */
export async function withNewTeam<T>(threads: number, work: (team: Team) => Promise<T>): Promise<T> {
	const team = await openTeam(threads);
	try {
		return await work(team);
	} finally {
		team.close();
	}
}

/** A team for whoever lays out its arrays anew for each piece of work: its memory holds nothing else. */
const teamKernels = (team: Team): CompileKernels => ({...team, layOut: layOutIn(team.memory)});

/** Does some work with the threads of a team. */
export const withTeam = <T>(team: Team, work: () => T): T => withKernels(teamKernels(team), work);
