/**
 * The threads that compute together: the model's worker, which is thread 0, and others.
 */
import {abandon, createControl, MOST_THREADS, mostSymbols, openControl, publish, recover, sleepsOf} from './control.js';
import {host} from './host.js';
import type {Bundle} from './manifest.js';
import {createPace} from './pace.js';
import type {TeamSetup} from './thread-start.js';

/** Runs `body`, which calls the entry as thread 0, while other threads call it too: all of them, or fewer where the machine is busy. */
export type Team = {readonly threads: number; run(entry: string, symbols: readonly number[], body: (thread: number, threads: number) => void): void};

/** One thread needs nobody. */
export const alone: Team = {
	threads: 1,
	run(_entry, _symbols, body) {
		body(0, 1);
	},
};

/** How many threads to try: what is asked for, as far as program and place allow. */
export function chooseThreads(asked: number | null, {threads, entries}: Bundle): number {
	const most = threads?.most ?? 1;
	const isolated = (globalThis as {crossOriginIsolated?: boolean}).crossOriginIsolated ?? true;
	const fits = Object.values(entries).every(({symbols}) => symbols.length <= mostSymbols);
	return typeof SharedArrayBuffer === 'undefined' || !isolated || !fits ? 1 : Math.min(asked ?? host.parallelism(), most, MOST_THREADS);
}

/** @param startThreads Has the other threads started, which share the memory; where they cannot be had there are none. */
export async function startTeam(
	module: WebAssembly.Module,
	memory: WebAssembly.Memory,
	bundle: Bundle,
	threads: number,
	startThreads: (team: TeamSetup) => Promise<void>,
): Promise<Team> {
	const control = createControl();
	const names = Object.keys(bundle.entries);
	const barrier = bundle.threads!.barrier;
	const entries = names.map(name => ({name, symbols: bundle.entries[name]!.symbols.length}));
	try {
		await startThreads({module, memory, control, barrier, entries, threads});
	} catch {
		return alone;
	}

	const words = openControl(control, memory, barrier);
	const pace = createPace(threads);
	/** Jobs of one name are as much work, or nearly: what came before a token costs little. */
	const nameOf = (entry: string, symbols: readonly number[]): string =>
		`${entry} ${bundle.entries[entry]!.symbols.map((symbol, index) => (symbol === 'past' ? '' : symbols[index])).join()}`;
	return {
		threads,
		run(entry, symbols, body) {
			const [used, slept, began] = [pace.threads, sleepsOf(words), performance.now()];
			if (used > 1) {
				publish(words, names.indexOf(entry), symbols, used);
			}

			try {
				body(0, used);
			} catch (error) {
				if (used === 1) {
					throw error;
				}

				abandon(words, error instanceof Error ? error.message : String(error));
				throw new Error(recover(words, used - 1), {cause: error});
			}

			pace.note(nameOf(entry, symbols), sleepsOf(words) - slept, performance.now() - began);
		},
	};
}
