/**
 * Allocation by importance (arXiv 2406.17415): all weights have the same bits, but for the most important, which have more; how many of
 * these there are is what the budget allows. For comparison with a choice by losses.
 */
import type {Candidates, Option} from './allocate.js';
import {openWeight, type GraphWeight} from './weights.js';

/** What decides between codes: predicted losses, losses measured code by code, or the importance of layers. */
export const allocations = ['loss', 'measured', 'lim', 'zd'] as const;

export type Allocation = (typeof allocations)[number];

/**
 * Z-score distribution (ZD), by weight: the share of its elements more than a standard deviation above their mean. A weight with fewer of
 * them has heavier tails and counts as more important, so the share is negated.
 */
export const zScores = (weights: readonly GraphWeight[]): ReadonlyMap<string, number> => new Map(weights.map(weight => [weight.name, -shareAbove(weight)]));

function shareAbove(weight: GraphWeight): number {
	const values = openWeight(weight).read(0, weight.rows);
	const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
	const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
	return values.reduce((count, value) => count + Number(value - mean > deviation), 0) / values.length;
}

/**
 * The candidates at costs that make the knapsack a ranking. A bit more for everything comes before two more for anything: a step of a bit
 * saves four times as much as the next, and what is more important saves up to twice as much as what is least.
 */
export function rankBy(importance: ReadonlyMap<string, number>, candidates: Candidates): Candidates {
	const order = [...new Set(importance.values())].sort((a, b) => a - b);
	return candidates.map(({weight, options}) => {
		const elements = weight.rows * weight.columns;
		const rank = (order.indexOf(importance.get(weight.name)!) + 1) / order.length;
		return {weight, options: worthwhile(options).map(option => ({...option, cost: elements * 4 ** ((-8 * option.bytes) / elements) * (1 + rank)}))};
	});
}

/** Without those that lose no less than one of as many bytes or fewer: bytes alone would not tell them apart. */
const worthwhile = (options: readonly Option[]): Option[] =>
	[...options]
		.sort((a, b) => a.bytes - b.bytes || a.loss - b.loss)
		.filter((option, index, sorted) => sorted.slice(0, index).every(({loss}) => loss > option.loss));
