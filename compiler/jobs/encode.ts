/** The parts of all weights, each encoded on the statistics of the model in f32. */
import {openWeight, type GraphWeight} from '../allocate/weights.js';
import type {Calibration} from '../calibrate/statistics.js';
import type {WeightRow} from '../plan/program.js';
import {weightData} from './job.js';
import type {Pool} from './pool.js';

/** The parts of each term of a weight, by its name. */
export type PartsOf = (name: string) => Promise<ReadonlyArray<readonly Uint8Array[]>>;

/** @param rows In the order in which they are asked for: those that come next are under way before. */
export function encodeAhead(
	rows: readonly WeightRow[],
	weights: readonly GraphWeight[],
	{calibration, pool, signal}: {readonly calibration?: Calibration; readonly pool: Pool; readonly signal?: AbortSignal},
): PartsOf {
	const sources = new Map(weights.map(weight => [weight.name, weight]));
	const begun: Array<Promise<ReadonlyArray<readonly Uint8Array[]>>> = [];
	const begin = ({name, terms}: WeightRow): void => {
		const weight = weightData(openWeight(sources.get(name)!), calibration?.get(name));
		const parts = Promise.all(terms.map(async ({codec, parameters}) => pool.run({kind: 'encode', weight, choice: {codec, parameters}}, signal)));
		// Whoever asks for it sees the error.
		parts.catch(() => undefined);
		begun.push(parts);
	};

	return async name => {
		const index = rows.findIndex(row => row.name === name);
		while (begun.length < Math.min(rows.length, index + pool.width)) {
			begin(rows[begun.length]!);
		}

		const parts = await begun[index]!;
		// Encoded weights are written once.
		begun[index] = Promise.resolve([]);
		return parts;
	};
}
