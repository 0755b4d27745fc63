/** The pipeline: an ONNX model to a folder of static files. One line a stage; each stage is a folder. */
import path from 'node:path';
import {decideBudget, type Profile} from '../profiles/index.js';
import {findOptions, type Candidates} from './allocate/allocate.js';
import type {Preference} from './allocate/preference.js';
import {findWeights} from './allocate/weights.js';
import {reportBytes} from './build.js';
import {refuseStranger, writeFolder} from './bundle/folder.js';
import {findText, readConfig, type Config} from './bundle/text.js';
import {bitsPerWeight, writeBundle} from './bundle/write.js';
import type {CalibrateOptions} from './calibrate/calibrate.js';
import {tokensOf} from './calibrate/float-program.js';
import {openCalibration} from './calibrate/session.js';
import {readWindows} from './calibrate/text.js';
import {SnugError} from './error.js';
import {fit, type Budget} from './fit.js';
import {bytesOf} from './graph/dtype.js';
import type {Graph, SymbolBounds} from './graph/graph.js';
import {openCache, type Cache} from './jobs/cache.js';
import {cachedPool} from './jobs/cached.js';
import {encodeAhead} from './jobs/encode.js';
import {openPool, type Pool} from './jobs/pool.js';
import {importModel} from './onnx/import.js';
import {optimize, transform} from './passes/optimize.js';
import type {TypedGraph} from './passes/infer-types.js';
import {PREFILL_TOKENS, type LowerOptions} from './plan/lower.js';
import {choosePositions, DEFAULT_POSITIONS} from './positions.js';
import {version} from './version.js';

export type CompileOptions = {
	readonly output: string;
	readonly profile?: Profile;
	/** Bytes that the model may hold: memory and program. */
	readonly budget?: number;
	readonly codecs?: readonly string[];
	readonly bits?: number;
	/** What codes are chosen for; quality unless given. */
	readonly prefer?: Preference;
	readonly maxSequence?: number;
	/** Whether codes are chosen once more, each on what the encoded weights before it produce; unless given, where there is a calibration. */
	readonly refine?: boolean;
	/** Names of equivalent transforms; all where there is a calibration, else none, unless given. */
	readonly transforms?: readonly string[];
	/** A text on which the errors of codes are weighed and made up for. */
	readonly calibration?: string;
	/** A folder where results are kept by their content, for an interrupted compile, and for other budgets. */
	readonly cache?: string;
	/** Jobs go to the workers of a Redis queue at `url`, by way of the folder `store`; `onAlone` is called once where none is there. */
	readonly queue?: {readonly url: string; readonly store: string; onAlone?(): void};
	readonly dims?: Readonly<Record<string, number | SymbolBounds | '*'>>;
	readonly cachePrecision?: LowerOptions['cachePrecision'];
	/** Threads that may compute together, at most; the profile's unless given, else DEFAULT_THREADS. */
	readonly threads?: number;
	readonly signal?: AbortSignal;
	onProgress?(stage: string, done: number, total: number): void;
};

export type CompileResult = {
	readonly bundle: string;
	readonly budget: number;
	/** Which figure decided the budget. */
	readonly decidedBy: string;
	readonly bytes: {
		readonly weights: number;
		readonly state: number;
		readonly activations: number;
		readonly program: number;
		readonly other: number;
		readonly padding: number;
		readonly total: number;
	};
	readonly bitsPerWeight: number;
	readonly levels: ReadonlyArray<{readonly bytes: number; readonly loss: number}>;
	readonly seconds: number;
	readonly peakMemory: number;
};

export async function compile(model: string, options: CompileOptions): Promise<CompileResult> {
	const cache = options.cache === undefined ? undefined : openCache(options.cache);
	const pool = options.queue ? await openQueue(options.queue) : openPool();
	try {
		return await compileWith(cache ? cachedPool(pool, cache) : pool, cache, model, options);
	} finally {
		await pool.close();
		cache?.prune();
	}
}

/** Nothing of the queue is loaded without one. */
async function openQueue({url, store, onAlone}: NonNullable<CompileOptions['queue']>): Promise<Pool> {
	const [{openQueuePool}, {openFolderStore}] = await Promise.all([import('./jobs/queue.js'), import('./jobs/store.js')]);
	return openQueuePool({url, store: await openFolderStore(store), ...(onAlone && {onAlone})});
}

async function compileWith(pool: Pool, cache: Cache | undefined, model: string, options: CompileOptions): Promise<CompileResult> {
	const started = performance.now();
	refuseStranger(options.output);
	const config = readConfig(path.dirname(model));
	const budget = chooseBudget(options);
	requireMeasured(options);
	const {graph, positions} = importBounded(model, options);
	const typed = transform(optimize(graph), options.transforms ?? (options.calibration === undefined ? [] : undefined));
	const weights = findWeights(typed.graph);
	const windows = options.calibration === undefined ? undefined : readCalibration(options.calibration, model, typed, positions, config);
	const watch = (stage: string): CalibrateOptions => ({
		...(options.signal ? {signal: options.signal} : {}),
		onProgress: (done, total) => options.onProgress?.(stage, done, total),
	});
	const refined = options.refine !== false;
	const session = windows && (await openCalibration({source: graph, typed, weights, positions, windows, refined, cache, watch}));
	const calibration = session?.calibration;
	const choosing = Number.isFinite(budget.bytes) || options.prefer === 'speed';
	const sensitivities = options.bits === undefined && choosing ? await session?.sensitivities() : undefined;
	const measured = {...options, stepwise: graph.states.length > 0, calibration, sensitivities, onProgress: watch('measure').onProgress!};
	const candidates = await findOptions(weights, measured, pool);
	const precisions = options.cachePrecision ? [options.cachePrecision] : chooseCachePrecisions(typed.graph, positions, budget.bytes);
	const threads = options.threads ?? options.profile?.threads;
	const lowerings = precisions.map(cachePrecision => ({cachePrecision, positions, ...(threads === undefined ? {} : {threads})}));
	const {chosen, built} = await fit(typed, restrict(candidates, options), lowerings, budget);
	const encoded = await session?.refine(chosen);
	await writeFolder(options.output, async directory =>
		writeBundle(directory, {
			name: path.basename(path.dirname(path.resolve(model))),
			generator: `snug ${version}`,
			graph: typed.graph,
			weights,
			partsOf: encoded
				? async name => [encoded.get(name)!]
				: encodeAhead(built.program.weights, weights, {pool, ...(calibration && {calibration}), ...(options.signal && {signal: options.signal})}),
			built,
			budget: Number.isFinite(budget.bytes) ? budget.bytes : built.total,
			positions,
			config,
			text: findText(path.dirname(model)),
			...(options.signal ? {signal: options.signal} : {}),
			onProgress: (done, total) => options.onProgress?.('encode', done, total),
		}),
	);
	return {
		bundle: options.output,
		budget: Number.isFinite(budget.bytes) ? budget.bytes : built.total,
		decidedBy: budget.decidedBy,
		bytes: reportBytes(built),
		bitsPerWeight: bitsPerWeight(built),
		levels: [{bytes: built.total, loss: chosen.reduce((sum, {loss}) => sum + loss, 0)}],
		seconds: (performance.now() - started) / 1000,
		peakMemory: process.resourceUsage().maxRSS * 1024,
	};
}

/** Tokens of a window of calibration text at most, and of all windows. */
const [WINDOW_TOKENS, CALIBRATION_TOKENS] = [512, 40 * 512];

function readCalibration(file: string, model: string, typed: TypedGraph, positions: number, {bos}: Config): number[][] {
	const bound = tokensOf(typed);
	const context = bound?.fixed ? bound.most : Math.min(bound?.most ?? positions, WINDOW_TOKENS);
	const windows = readWindows(file, findText(path.dirname(model)), {
		context,
		windows: Math.ceil(CALIBRATION_TOKENS / context),
		...(bos === undefined ? {} : {bos}),
	});
	if (bound?.fixed && windows[0]!.length < context) {
		throw new SnugError('text-too-short', {
			subject: `calibration text '${file}'`,
			problem: 'is shorter than the sequence that the model takes',
			expected: `at least ${context} tokens`,
			found: `${windows[0]!.length} tokens`,
			hint: 'give a longer text',
		});
	}

	return windows;
}

/** A price of time is in what errors cost the model, which a calibration tells. */
function requireMeasured({prefer, calibration, bits}: CompileOptions): void {
	if (prefer === 'speed' && (calibration === undefined || bits !== undefined)) {
		throw new SnugError('nothing-to-prefer', {
			subject: "the preference 'speed'",
			problem: 'weighs time against losses that are measured, code by code',
			expected: 'a calibration, and no fixed number of bits',
			found: calibration === undefined ? 'no calibration' : `${bits} bits`,
			hint: calibration === undefined ? 'add --calibration sample, or a text of yours' : 'give --budget instead of --bits',
		});
	}
}

function chooseBudget({profile, budget}: CompileOptions): Budget {
	if (budget !== undefined && !(budget >= 0)) {
		throw new SnugError('invalid-budget', {
			subject: 'the budget option',
			problem: 'no number of bytes',
			expected: 'a number of at least 0',
			found: `${budget}`,
		});
	}

	if (profile) {
		return decideBudget(profile, {budget});
	}

	return budget === undefined ? {bytes: Infinity, decidedBy: 'nothing: no budget and no profile were given'} : {bytes: budget, decidedBy: 'the budget option'};
}

/** The graph with its symbols bounded by the positions that it is compiled for. */
export function importBounded(
	model: string,
	{dims, maxSequence, profile}: Pick<CompileOptions, 'dims' | 'maxSequence' | 'profile'> = {},
): {graph: Graph; positions: number} {
	const read = (limit: number): Graph => importModel(model, {maxSequence: limit, ...(dims ? {dims} : {})});
	const first = read(maxSequence ?? DEFAULT_POSITIONS);
	const positions = choosePositions(first, maxSequence, profile?.defaultMaxSequence, readConfig(path.dirname(model)).context);
	return {graph: boundSymbols(positions === (maxSequence ?? DEFAULT_POSITIONS) ? first : read(positions), positions), positions};
}

/** With state, a run sees at most a chunk of tokens, behind at most `positions` − 1 others. */
export function boundSymbols(graph: Graph, positions: number): Graph {
	if (graph.states.length === 0) {
		return graph;
	}

	const bounds = {sequence: {min: 1, max: Math.min(PREFILL_TOKENS, positions)}, past: {min: 0, max: positions - 1}};
	return {
		...graph,
		symbols: {...graph.symbols, ...Object.fromEntries(Object.entries(bounds).filter(([name]) => name in graph.symbols))},
		limits: {'past + sequence': {min: 1, max: positions}},
	};
}

/** Of the budget, at most: a cache that takes more is held in fewer bits. */
const CACHE_SHARE = 0.1;

/** The widest type in which the state takes a small part of the budget, else int8, which costs a language model little; then what is narrower. */
function chooseCachePrecisions({states, types}: Graph, positions: number, budget: number): ReadonlyArray<LowerOptions['cachePrecision']> {
	const elements = states.reduce(
		(sum, {input}) => sum + types.get(input)!.shape.reduce<number>((product, dim) => product * (typeof dim === 'number' ? dim : positions), 1),
		0,
	);
	const precisions = ['float32', 'float16', 'int8'] as const;
	return precisions.filter(precision => precision === 'int8' || elements * bytesOf(precision) <= CACHE_SHARE * budget);
}

/**
 * With a number of bits and no budget there is nothing that decides between sizes of groups: groups of 64, the middle; 8 bits by rows, which
 * are faster and lose little. Codes without groups are kept where they are named.
 */
function restrict(candidates: Candidates, {bits, budget, profile, codecs: named}: CompileOptions): Candidates {
	if (bits === undefined || budget !== undefined || profile) {
		return candidates;
	}

	return candidates.map(({weight, options}) => {
		const group = bits === 8 ? Math.max(...options.map(({parameters}) => Number(parameters['group'] ?? 0))) : 64;
		const kept = options.filter(({codec, parameters}) => parameters['group'] === group || (parameters['group'] === undefined && named?.includes(codec)));
		return {weight, options: kept.length > 0 ? kept : options};
	});
}
