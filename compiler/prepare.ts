/** The front half of the pipeline: a model to its weights, and the options of each with what they lose. */
import path from 'node:path';
import {decideBudget} from '../profiles/index.js';
import {findOptions, type Candidates} from './allocate/allocate.js';
import {rankBy, zScores, type Allocation} from './allocate/importance.js';
import {DEFAULT_PREFERENCE, patience, type Preference} from './allocate/preference.js';
import {protect} from './allocate/protect.js';
import {findWeights, type GraphWeight} from './allocate/weights.js';
import {importBounded, type BoundOptions} from './bounds.js';
import {findText, readConfig, type Config} from './bundle/text.js';
import {isLarge} from './calibrate/arithmetic.js';
import type {CalibrateOptions} from './calibrate/calibrate.js';
import {chooseTransforms} from './calibrate/choose-transforms.js';
import {readsText, seesWhole, tokensOf} from './calibrate/float-program.js';
import type {Windows} from './calibrate/refine.js';
import {lengthOf, spread, type RunInputs} from './calibrate/run-inputs.js';
import {openCalibration, type CalibrationSession} from './calibrate/session.js';
import {LEAST_TOKENS, readWindows, SAMPLE} from './calibrate/text.js';
import {SnugError} from './error.js';
import type {Budget} from './fit.js';
import {bytesOf} from './graph/dtype.js';
import type {Graph} from './graph/graph.js';
import {openCache, type Cache} from './jobs/cache.js';
import {cachedPool} from './jobs/cached.js';
import {openPool, type Pool} from './jobs/pool.js';
import {passes} from './passes/index.js';
import {keepAtoms} from './passes/keep-atoms.js';
import {optimize, transform} from './passes/optimize.js';
import type {TypedGraph} from './passes/infer-types.js';
import type {LowerOptions} from './plan/lower.js';
import {holdsArrays, inputsOf, readSamples} from './samples.js';

export type PrepareOptions = BoundOptions & {
	/** Bytes that the model may hold: memory and program. */
	readonly budget?: number;
	readonly codecs?: readonly string[];
	readonly bits?: number;
	/** What codes are chosen for; balanced unless given. */
	readonly prefer?: Preference;
	/** Names of weights that get at least 8 bits, whatever the budget; * stands for any characters. */
	readonly protect?: readonly string[];
	/** What decides between codes under a budget: predicted losses unless given. */
	readonly allocation?: Allocation;
	/** Whether codes are chosen once more, each on what the encoded weights before it produce; unless given, where there is a calibration. */
	readonly refine?: boolean;
	/** Names of equivalent transforms; unless given, those that help where there is a calibration, else none. */
	readonly transforms?: readonly string[];
	/** What becomes of weights that layers mix from shared atoms: 'keep' the atoms, unless given, for fewer bytes, or 'mix' them, for fewer products. */
	readonly atoms?: 'keep' | 'mix';
	/**
	 * What errors of codes are weighed on and made up for: a text, a .npz as `readSamples` has it, SAMPLE, or AUTO: the sample where there is a
	 * choice and a text to be read.
	 */
	readonly calibration?: string;
	/** Tokens of a text, about, as far as it goes; 20480 unless given, of a large model 8192. With the sequential pass, which sees all, codes are chosen on 10240 at most. */
	readonly calibrationTokens?: number;
	/** A folder where results are kept by their content, for an interrupted compile, and for other budgets. */
	readonly cache?: string;
	/** Jobs go to the workers of a Redis queue at `url`, by way of `store`, a folder or s3://BUCKET; `onAlone` is called once where none is there. */
	readonly queue?: {readonly url: string; readonly store: string; onAlone?(): void};
	readonly cachePrecision?: LowerOptions['cachePrecision'];
	/** Threads that may compute together, at most; the profile's unless given, else DEFAULT_THREADS. */
	readonly threads?: number;
	readonly signal?: AbortSignal;
	onProgress?(stage: string, done: number, total: number): void;
	/** Something that was not asked for is left out. */
	onWarning?(message: string): void;
};

export type Prepared = {
	readonly typed: TypedGraph;
	readonly weights: readonly GraphWeight[];
	readonly positions: number;
	readonly config: Config;
	/** The text that losses were measured on; undefined where they were not. */
	readonly text: string | undefined;
	readonly session: CalibrationSession | undefined;
	readonly candidates: Candidates;
	/** How long slow codecs may make it, as `Patience` says. */
	readonly patience: number;
	/** Ways to hold the state, the best first. @param budget Of all bytes. */
	lowerings(budget: number): readonly LowerOptions[];
};

/** What jobs run on. */
export type Means = {readonly pool: Pool; readonly cache: Cache | undefined};

/** Opens the pool and the cache for a piece of work, and closes them behind it. */
export async function withMeans<T>({cache: folder, queue}: PrepareOptions, work: (means: Means) => Promise<T>): Promise<T> {
	const cache = folder === undefined ? undefined : openCache(folder);
	const pool = queue ? await openQueue(queue) : openPool();
	try {
		return await work({pool: cache ? cachedPool(pool, cache) : pool, cache});
	} finally {
		await pool.close();
		cache?.prune();
	}
}

/** Nothing of the queue is loaded without one. */
async function openQueue({url, store, onAlone}: NonNullable<PrepareOptions['queue']>): Promise<Pool> {
	const [{openQueuePool}, {openStore}] = await Promise.all([import('./jobs/queue.js'), import('./jobs/store.js')]);
	return openQueuePool({url, store: await openStore(store), ...(onAlone && {onAlone})});
}

/** @param choosing Whether a budget decides between the options. */
export async function prepare(model: string, options: PrepareOptions, choosing: boolean, means: Means): Promise<Prepared> {
	try {
		return await prepareWith(model, options, choosing, means);
	} catch (error) {
		if (options.calibration !== AUTO || options.calibrationTokens !== undefined || !(error instanceof SnugError) || !unfit.has(error.code)) {
			throw error;
		}

		options.onWarning?.(`not calibrated: ${error.message}`);
		const {calibration: _, ...others} = options;
		return prepareWith(model, others, choosing, means);
	}
}

/** Why a model may not go with the sample; what was not asked for must not end a compile. */
const unfit: ReadonlySet<string> = new Set(['calibration-too-large', 'calibration-not-finite', 'text-too-short', 'cannot-calibrate', 'no-tokenizer']);

async function prepareWith(model: string, options: PrepareOptions, choosing: boolean, {pool, cache}: Means): Promise<Prepared> {
	const config = readConfig(path.dirname(model));
	const {graph, positions} = importBounded(model, options);
	const optimized = optimize(graph, options.atoms === 'mix' ? passes.filter(pass => pass !== keepAtoms) : passes);
	const text = chooseCalibration(model, options, optimized, choosing || options.prefer === 'speed');
	requireMeasured({...options, calibration: text});
	requireChoice({...options, calibration: text}, choosing);
	requireText(text, options.calibrationTokens);
	const windows = text === undefined ? undefined : readCalibration(text, model, optimized, positions, options.calibrationTokens);
	warnOfShortText(windows, options);
	const watch = (stage: string): CalibrateOptions => ({
		...(options.signal ? {signal: options.signal} : {}),
		onProgress: (done, total) => options.onProgress?.(stage, done, total),
	});
	const named = options.transforms ?? (windows ? await chooseTransforms(optimized, positions, windows.seen, cache, watch('transforms')) : []);
	const typed = transform(optimized, named);
	const weights = findWeights(typed.graph);
	const refined = options.refine !== false;
	const session = windows && (await openCalibration({source: graph, typed, weights, positions, windows, refined, cache, watch}));
	const isChosen = options.bits === undefined && (choosing || options.prefer === 'speed');
	const measured = {
		...options,
		stepwise: graph.states.length > 0,
		calibration: session?.calibration,
		sensitivities: isChosen ? await session?.sensitivities() : undefined,
		logits: session?.logits,
		onProgress: watch('measure').onProgress!,
	};
	const offered = protect(restrict(await findOptions(weights, measured, pool), options), options.protect ?? []);
	const candidates = await judge(offered, options, session, pool);
	const threads = options.threads ?? options.profile?.threads;
	return {
		typed,
		weights,
		positions,
		config,
		text,
		session,
		candidates,
		patience: measured.sensitivities ? patience[options.prefer ?? DEFAULT_PREFERENCE] : Infinity,
		lowerings(budget) {
			const precisions = options.cachePrecision ? [options.cachePrecision] : chooseCachePrecisions(typed.graph, positions, budget);
			return precisions.map(cachePrecision => ({cachePrecision, positions, ...(threads === undefined ? {} : {threads})}));
		},
	};
}

/** In place of a text: whatever a compile can do. */
export const AUTO = 'auto';

/** The sample helps where there is something to choose, and a model that reads text. */
function chooseCalibration(model: string, {calibration, bits}: PrepareOptions, typed: TypedGraph, choosing: boolean): string | undefined {
	if (calibration !== AUTO) {
		return calibration;
	}

	return bits === undefined && choosing && findText(path.dirname(model)) && readsText(typed) ? SAMPLE : undefined;
}

/** Tokens of a window of calibration text at most, and of one that is a text of its own. */
const [WINDOW_TOKENS, TEXT_TOKENS] = [512, 32];

/**
 * Of all windows, unless more or fewer are asked for. A large model, whose sequential pass takes as long as it has tokens, is calibrated on fewer:
 * with it on 20 of 40 windows SmolLM2 at 2.25 bits was 0.510 nats from float, and 0.500 with it on all, damped less (`factor.ts`); at 3.4 bits its
 * perplexity was 1.114 times that of float on 20, and 1.124 on 16.
 */
const [CALIBRATION_TOKENS, LARGE_CALIBRATION_TOKENS] = [40 * 512, 16 * 512];

/** Samples of what is no text, at most, evenly spaced: the sequential pass holds all of them midway. */
const CALIBRATION_SAMPLES = 128;

/** Windows on which the loss of the whole is measured in the end. */
const HELD_OUT = 2;

function readCalibration(
	file: string,
	model: string,
	typed: TypedGraph,
	positions: number,
	tokens = isLarge(findWeights(typed.graph)) ? LARGE_CALIBRATION_TOKENS : CALIBRATION_TOKENS,
): Windows {
	if (holdsArrays(file)) {
		if (typed.graph.states.length > 0) {
			throw new SnugError('cannot-calibrate', {
				subject: `--calibration '${file}'`,
				problem: 'arrays do not say how the state of a model came about',
				expected: 'a text, which the model reads from its beginning',
				hint: 'give a text file',
			});
		}

		const samples = readSamples(file, '--calibration', inputsOf(typed.graph));
		return holdOut(
			spread(samples.length, CALIBRATION_SAMPLES).map(index => samples[index]!),
			CALIBRATION_SAMPLES,
		);
	}

	const bound = tokensOf(typed);
	// Most texts are short where a model takes them whole, from the first token to the last.
	const framed = seesWhole(typed);
	const context = bound?.fixed ? bound.most : Math.min(bound?.most ?? positions, framed ? TEXT_TOKENS : WINDOW_TOKENS);
	const windows = readWindows(file, findText(path.dirname(model)), {
		context,
		windows: Math.ceil(tokens / context) + HELD_OUT,
		framed,
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

	return holdOut(windows, Math.ceil(tokens / context));
}

/** Where so many tokens were asked for. */
function warnOfShortText(windows: Windows | undefined, {calibrationTokens, onWarning}: PrepareOptions): void {
	const read = [...(windows?.seen ?? []), ...(windows?.held ?? [])].reduce((sum, inputs) => sum + lengthOf(inputs), 0);
	if (calibrationTokens !== undefined && read < calibrationTokens) {
		onWarning?.(`calibrated on ${read} tokens of the ${calibrationTokens} asked for: the text has no more`);
	}
}

/** Every so many-th is held out; where there are few, all are needed, up to `most`. */
function holdOut(windows: readonly RunInputs[], most: number): Windows {
	if (windows.length < HELD_OUT * 8) {
		return {seen: windows.slice(0, most), held: []};
	}

	const step = Math.floor(windows.length / HELD_OUT);
	const isHeld = (_: unknown, index: number): boolean => index % step === step - 1 && index < HELD_OUT * step;
	return {seen: windows.filter((window, index) => !isHeld(window, index)), held: windows.filter(isHeld)};
}

/** A price of time is in what errors cost the model, which a calibration tells. */
function requireMeasured({prefer, calibration, bits}: {readonly [Key in 'prefer' | 'calibration' | 'bits']?: PrepareOptions[Key] | undefined}): void {
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

/** Tokens are those of a text, and say something about it. */
function requireText(file: string | undefined, tokens: number | undefined): void {
	if (tokens !== undefined && !(tokens >= LEAST_TOKENS)) {
		throw new SnugError('bad-calibration-tokens', {
			subject: 'the tokens of a calibration',
			problem: 'say too little about the inputs of the model',
			expected: `a number of at least ${LEAST_TOKENS}`,
			found: String(tokens),
			hint: 'better some ten thousand',
		});
	}

	if (tokens !== undefined && (file === undefined || holdsArrays(file))) {
		throw new SnugError('no-calibration-text', {
			subject: `a calibration of ${tokens} tokens`,
			problem: 'has no text to take them from',
			expected: 'a calibration on a text',
			found: file === undefined ? 'no calibration' : `arrays, '${file}'`,
			hint: file === undefined ? 'add --calibration FILE, or leave out --calibration-tokens' : 'leave out --calibration-tokens',
		});
	}
}

/** Other ways to decide need something to decide, and most of them a text. */
function requireChoice(
	{allocation = 'loss', prefer, calibration, bits}: {readonly [Key in 'allocation' | 'prefer' | 'calibration' | 'bits']?: PrepareOptions[Key] | undefined},
	choosing: boolean,
): void {
	const wrong =
		bits !== undefined || !choosing
			? {expected: 'a budget that leaves a choice', found: bits === undefined ? 'no budget' : `${bits} bits for all`, hint: 'give --budget, without --bits'}
			: calibration === undefined && allocation !== 'zd'
				? {expected: 'a calibration', found: 'none', hint: 'add --calibration sample, or a text of yours'}
				: prefer === 'speed' && allocation !== 'measured'
					? {expected: 'losses, which time has a price in', found: "the preference 'speed'", hint: 'leave out --prefer speed'}
					: undefined;
	if (allocation !== 'loss' && wrong) {
		throw new SnugError('cannot-allocate', {subject: `the allocation '${allocation}'`, problem: 'cannot decide between codes', ...wrong});
	}
}

/** The candidates as the choice is to see them. */
async function judge(candidates: Candidates, {allocation = 'loss'}: PrepareOptions, session: CalibrationSession | undefined, pool: Pool): Promise<Candidates> {
	switch (allocation) {
		case 'loss':
			return candidates;
		case 'measured':
			return session!.measureCodes(candidates, pool);
		case 'lim':
			return rankBy(await session!.layerInputs(), candidates);
		case 'zd':
			return rankBy(zScores(candidates.map(({weight}) => weight)), candidates);
	}
}

export function chooseBudget({profile, budget}: PrepareOptions): Budget {
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
function restrict(candidates: Candidates, {bits, budget, profile, codecs: named}: PrepareOptions): Candidates {
	if (bits === undefined || budget !== undefined || profile) {
		return candidates;
	}

	return candidates.map(({weight, options}) => {
		const group = bits === 8 ? Math.max(...options.map(({parameters}) => Number(parameters['group'] ?? 0))) : 64;
		const kept = options.filter(({codec, parameters}) => parameters['group'] === group || (parameters['group'] === undefined && named?.includes(codec)));
		return {weight, options: kept.length > 0 ? kept : options};
	});
}
