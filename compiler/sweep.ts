/** The frontier of a model: what loss comes with which of many budgets. Nothing is encoded; a compile for one of them takes what is measured from the cache. */
import {totalOf} from './allocate/allocate.js';
import {bitsPerWeight} from './bundle/write.js';
import {SnugError} from './error.js';
import {fit} from './fit.js';
import {chooseBudget, prepare, withMeans, type PrepareOptions} from './prepare.js';
import {frontierOf, type Point} from './report/frontier.js';

export type SweepPoint = {
	readonly budget: number;
	/** Held bytes, whole-model bits, and predicted loss; undefined where the model does not fit. */
	readonly reached?: {readonly bytes: number; readonly bitsPerWeight: number; readonly loss: number};
	/** Why it does not fit. */
	readonly problem?: string;
};

export type SweepResult = {
	/** Ascending budgets. */
	readonly points: readonly SweepPoint[];
	/** Held bytes against predicted loss, from the smallest codes to the best; empty where no budget is enough. */
	readonly curve: readonly Point[];
	/** The text that losses were measured on; null where they were not. */
	readonly calibration: string | null;
};

/** @param budgets In bytes. */
export const sweep = async (model: string, budgets: readonly number[], options: PrepareOptions): Promise<SweepResult> =>
	withMeans(options, async means => {
		// A budget that the profile refuses is known before the work.
		const limits = budgets.toSorted((a, b) => a - b).map(budget => ({budget, limit: chooseBudget({...options, budget})}));
		const {typed, candidates, lowerings, patience, text} = await prepare(model, options, true, means);
		const points: SweepPoint[] = [];
		let rest: number | undefined;
		for (const [index, {budget, limit}] of limits.entries()) {
			options.signal?.throwIfAborted();
			options.onProgress?.('fit', index, budgets.length);
			const fitted = await fit(typed, candidates, lowerings(limit.bytes), limit, patience).catch((error: unknown) => {
				if (error instanceof SnugError && error.code === 'impossible-budget') {
					return error;
				}

				throw error;
			});
			if (fitted instanceof SnugError) {
				points.push({budget, problem: `does not fit: ${fitted.detail.expected}`});
				continue;
			}

			const {built, chosen} = fitted;
			const {bytes: held, loss} = totalOf(chosen);
			rest = built.total - held;
			points.push({budget, reached: {bytes: built.total, bitsPerWeight: bitsPerWeight(built), loss}});
		}

		return {
			points,
			curve: rest === undefined ? [] : frontierOf(candidates, patience).map(({bytes, loss}) => ({bytes: bytes + rest, loss})),
			calibration: text ?? null,
		};
	});
