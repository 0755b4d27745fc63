/** All that a text tells about a model, in the order in which a compile asks for it: statistics, sensitivities, and the final codes. */
import type {Candidates} from '../allocate/allocate.js';
import type {GraphWeight} from '../allocate/weights.js';
import type {Graph} from '../graph/graph.js';
import type {Cache} from '../jobs/cache.js';
import type {Choice} from '../jobs/job.js';
import type {Pool} from '../jobs/pool.js';
import type {TypedGraph} from '../passes/infer-types.js';
import {calibrate, type CalibrateOptions} from './calibrate.js';
import {arithmeticFor} from './arithmetic.js';
import {floatModel, productOf} from './float-program.js';
import {identityOf, keptCalibration, keptSensitivities} from './kept.js';
import {measureLayerInputs} from './layer-input.js';
import {measureCodes} from './measure-codes.js';
import {logitProducts} from './predictor.js';
import {refine, type Refined, type Windows} from './refine.js';
import {isText, lengthOf, spread, type RunInputs} from './run-inputs.js';
import {measureSensitivities} from './sensitivity.js';
import type {Calibration, Sensitivities} from './statistics.js';

export type CalibrationSession = {
	readonly calibration: Calibration;
	sensitivities(): Promise<Sensitivities>;
	/** Names of the weights whose outputs are logits. */
	readonly logits: ReadonlySet<string>;
	/** The candidates with losses that were measured, code by code. */
	measureCodes(candidates: Candidates, pool: Pool): Promise<Candidates>;
	/** By weight: how much its layer does, as `layer-input.ts` says. */
	layerInputs(): Promise<ReadonlyMap<string, number>>;
	/** One choice for each weight; undefined where the sequential pass is left out. */
	refine(choices: readonly Choice[]): Promise<Refined | undefined>;
};

export type SessionInput = {
	/** The graph whose constants are as in the file, and the one that runs. */
	readonly source: Graph;
	readonly typed: TypedGraph;
	readonly weights: readonly GraphWeight[];
	/** That states hold. */
	readonly positions: number;
	readonly windows: Windows;
	/** Whether there is a sequential pass. */
	readonly refined: boolean;
	readonly cache: Cache | undefined;
	/** The options of a stage: its signal and its progress. */
	watch(stage: string): CalibrateOptions;
};

/** Tokens of a text that codes are chosen on, where the sequential pass follows. */
const CHOICE_TOKENS = 20 * 512;

export async function openCalibration({source, typed, weights, positions, windows, refined, cache, watch}: SessionInput): Promise<CalibrationSession> {
	const model = floatModel(typed, weights, positions, {arithmetic: arithmeticFor(weights)});
	// The sequential pass takes statistics of its own: for the choice before it not all are needed.
	const [first] = windows.seen as [RunInputs];
	const enough = Math.ceil(isText(first) ? CHOICE_TOKENS / lengthOf(first) : windows.seen.length / 2);
	const seen = refined ? spread(windows.seen.length, enough).map(index => windows.seen[index]!) : windows.seen;
	const run = async (): Promise<Calibration> => calibrate(model, seen, watch('calibrate'));
	const identity = cache && identityOf(source, typed.graph, seen);
	const calibration = identity === undefined ? await run() : await keptCalibration(cache!, identity, run);
	return {
		calibration,
		logits: new Set(logitProducts(model.program().program).map(call => productOf(call)!)),
		async sensitivities() {
			const measure = async (): Promise<Sensitivities> => measureSensitivities(model, calibration, seen, watch('sensitivity'));
			return identity === undefined ? measure() : keptSensitivities(cache!, identity, measure);
		},
		async measureCodes(candidates, pool) {
			const kept = identity === undefined ? undefined : {cache: cache!, identity};
			return measureCodes(model, {candidates, calibration, windows: seen, pool, kept}, watch('measure on the model'));
		},
		async layerInputs() {
			return measureLayerInputs(model, seen, watch('layers'));
		},
		async refine(choices) {
			const result = refined ? await refine(model, choices, calibration, windows, watch('refine')) : undefined;
			model.release();
			return result;
		},
	};
}
