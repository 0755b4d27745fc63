/** Measures a bundle as a person meets it: a cold load, the first answer, and then the pace. Bytes, milliseconds, tokens a second. */
import {readManifest} from '../bundle/read.js';
import {SnugError} from '../error.js';
import {engines, type EngineName, type EngineRun} from './engines.js';
import {jobOf} from './job.js';
import {median, spreadOf, type Spread} from './statistics.js';

export type BenchOptions = {
	readonly engine: EngineName;
	readonly browser?: string | undefined;
	readonly threads?: number | undefined;
	readonly simd: 'auto' | 'relaxed' | 'plain';
	readonly budget?: number | undefined;
	readonly promptTokens: number;
	readonly decodeTokens: number;
	/** Cold loads, each in a fresh browser. */
	readonly loads: number;
	/** Warm rounds of each load. */
	readonly repeats: number;
	readonly dims: Readonly<Record<string, number>>;
	readonly signal?: AbortSignal;
	onProgress?(stage: string, done: number, total: number): void;
};

export type BenchResult = {
	readonly model: string;
	readonly target: 'wasm';
	readonly engine: string;
	readonly threads: number;
	readonly simd: string;
	readonly loadMs: number;
	/** From the call of load(): to the first token behind the prompt, or to the outputs of a first run. */
	readonly firstTokenMs?: number;
	readonly firstRunMs?: number;
	/** What the model holds: WebAssembly memory and program. */
	readonly memory: number;
	readonly peakMemory: number | null;
	readonly blankMemory: number | null;
	readonly bytesLoaded: number;
	readonly promptTokens?: number;
	readonly decodeTokens?: number;
	readonly prefillTokensPerSecond?: number;
	readonly decodeTokensPerSecond?: number;
	readonly runsPerSecond?: number;
	/** Sizes of a run's inputs. */
	readonly inputs?: Readonly<Record<string, readonly number[]>>;
	readonly spread: Readonly<Record<string, Spread>>;
};

export async function bench(bundle: string, options: BenchOptions): Promise<BenchResult> {
	const {engine, browser, threads, simd, budget, promptTokens, decodeTokens, loads, repeats, dims, signal, onProgress} = options;
	const manifest = readManifest(bundle);
	const request = {promptTokens, decodeTokens, repeats, dims, simd, ...(threads !== undefined && {threads}), ...(budget !== undefined && {budget})};
	const job = jobOf(manifest, request);
	const runs: EngineRun[] = [];
	for (let index = 0; index < loads; index++) {
		runs.push(await engines[engine](bundle, job, {browser, signal, onStage: stage => onProgress?.(stage, index, loads)}));
	}

	const {info, engine: name} = runs[0]!;
	if (threads !== undefined && info.threads !== threads) {
		throw new SnugError('fewer-threads', {
			subject: '--threads',
			problem: 'the bundle ran with another number of threads',
			expected: String(threads),
			found: String(info.threads),
			hint: 'compile the model again, or ask for fewer',
		});
	}

	const most = (values: ReadonlyArray<number | null>): number | null => (values.includes(null) ? null : Math.max(...(values as readonly number[])));
	const [load, first, call] = [runs.map(run => run.load), runs.map(run => run.firstResult), runs.flatMap(({calls}) => calls)];
	const common = {
		model: manifest.name,
		target: 'wasm' as const,
		engine: name,
		threads: info.threads,
		simd: info.simd,
		loadMs: median(load),
		memory: info.memory,
		peakMemory: most(runs.map(({peakMemory}) => peakMemory)),
		blankMemory: most(runs.map(({blankMemory}) => blankMemory)),
		bytesLoaded: info.bytesLoaded,
	};
	if (job.kind === 'run') {
		return {
			...common,
			firstRunMs: median(first),
			runsPerSecond: 1000 / median(call),
			inputs: Object.fromEntries(job.inputs.map(input => [input.name, input.dims])),
			spread: {loadMs: spreadOf(load), firstRunMs: spreadOf(first), runMs: spreadOf(call)},
		};
	}

	const steps = runs.flatMap(run => run.steps);
	return {
		...common,
		firstTokenMs: median(first),
		promptTokens,
		decodeTokens,
		prefillTokensPerSecond: (1000 * promptTokens) / median(call),
		decodeTokensPerSecond: 1000 / median(steps),
		spread: {loadMs: spreadOf(load), firstTokenMs: spreadOf(first), prefillMs: spreadOf(call), decodeMs: spreadOf(steps)},
	};
}
