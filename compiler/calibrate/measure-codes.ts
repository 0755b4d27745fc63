/**
 * The loss of every code of every weight, measured on the model one at a time, as AdaQuant's integer program wants it (arXiv 2006.10518).
 * It takes long: each code is made of the whole weight, and the layers behind it run once for it.
 */
import type {Candidates} from '../allocate/allocate.js';
import {openWeight} from '../allocate/weights.js';
import {codecs} from '../codecs/index.js';
import type {Cache} from '../jobs/cache.js';
import {weightData} from '../jobs/job.js';
import type {Pool} from '../jobs/pool.js';
import type {CalibrateOptions} from './calibrate.js';
import type {FloatModel} from './float-program.js';
import {keptLosses} from './kept.js';
import type {RunInputs} from './run-inputs.js';
import type {Calibration} from './statistics.js';
import {tryCodes} from './try-codes.js';

export type MeasureInput = {
	readonly candidates: Candidates;
	readonly calibration: Calibration;
	readonly windows: readonly RunInputs[];
	readonly pool: Pool;
	/** Where losses are kept, weight by weight, under the name of the model and the text. */
	readonly kept: {readonly cache: Cache; readonly identity: string} | undefined;
};

/** The candidates with the losses that were measured. */
export async function measureCodes(
	model: FloatModel,
	{candidates, calibration, windows, pool, kept}: MeasureInput,
	options?: CalibrateOptions,
): Promise<Candidates> {
	const optionsOf = new Map(candidates.map(({weight, options}) => [weight.name, options]));
	const losses = new Map<string, readonly number[]>();
	await tryCodes(
		model,
		windows,
		async (weight, lossOf) => {
			const {name, rows} = weight;
			const choices = optionsOf.get(name)!.map(({codec, parameters}) => ({codec, parameters}));
			const measure = async (): Promise<number[]> => {
				const data = weightData(openWeight(weight), calibration.get(name));
				const measured: number[] = [];
				for (const choice of choices) {
					const parts = await pool.run({kind: 'encode', weight: data, choice}, options?.signal);
					measured.push(lossOf(codecs.get(choice.codec)!.decode(parts, weight, choice.parameters, 0, rows)));
				}

				return measured;
			};

			losses.set(name, await (kept ? keptLosses(kept.cache, kept.identity, name, choices, measure) : measure()));
		},
		options,
	);
	return candidates.map(({weight, options: list}) => ({
		weight,
		options: list.map((option, index) => {
			const loss = losses.get(weight.name)![index]!;
			return {...option, loss, cost: option.cost - option.loss + loss};
		}),
	}));
}
