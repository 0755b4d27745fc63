/** The choice of codes whose whole, program and memory included, fits a budget. */
import {allocate, costOf, smallest, type Candidates, type Option, type Patience} from './allocate/allocate.js';
import {encodingOf} from './allocate/encoding.js';
import {build, type Built} from './build.js';
import {SnugError} from './error.js';
import type {TypedGraph} from './passes/infer-types.js';
import type {LowerOptions} from './plan/lower.js';
import {formatSize} from './size.js';

/** Infinite without a budget; and which figure decided it. */
export type Budget = {readonly bytes: number; readonly decidedBy: string};

export type Fitted = {
	readonly lowering: LowerOptions;
	readonly chosen: readonly Option[];
	readonly built: Built;
};

/**
 * A codec also costs its kernels and their scratch: where it holds few weights, these bytes may be worth more to the others.
 * @param times How long slow codecs may make it, as `Patience` says.
 */
export async function fit(typed: TypedGraph, candidates: Candidates, lowerings: readonly LowerOptions[], budget: Budget, times?: number): Promise<Fitted> {
	const patience = times === undefined ? undefined : {times, candidates};
	let best = await fitAll(typed, candidates, lowerings, budget, patience);
	if (!Number.isFinite(budget.bytes)) {
		return best;
	}

	for (const codec of new Set(best.chosen.map(({codec}) => codec))) {
		const others = candidates.map(({weight, options}) => ({weight, options: options.filter(option => option.codec !== codec)}));
		if (others.every(({options}) => options.length > 0) && best.chosen.some(option => option.codec === codec)) {
			const without = await fitAll(typed, others, [best.lowering], budget, patience).catch(ignoreImpossible);
			best = without && costOf(without.chosen) < costOf(best.chosen) ? without : best;
		}
	}

	return best;
}

function ignoreImpossible(error: unknown): undefined {
	if (!(error instanceof SnugError && error.code === 'impossible-budget')) {
		throw error;
	}
}

/**
 * With the first of the lowerings in which the smallest codes fit. What is not weights depends a little on the choice (which kernels, how
 * much scratch), so the room for weights is corrected by what the built program really holds.
 */
async function fitAll(typed: TypedGraph, candidates: Candidates, lowerings: readonly LowerOptions[], budget: Budget, patience?: Patience): Promise<Fitted> {
	const weights = candidates.map(({weight}) => weight);
	const make = async (chosen: readonly Option[], lowering: LowerOptions): Promise<Fitted> => ({
		lowering,
		chosen,
		built: await build(typed, encodingOf(weights, chosen), lowering),
	});
	const [widest, ...narrower] = lowerings as readonly [LowerOptions, ...LowerOptions[]];
	if (!Number.isFinite(budget.bytes)) {
		return make(allocate(candidates, Infinity, patience)!, widest);
	}

	let lowering = widest;
	let least = await make(smallest(candidates), lowering);
	for (const next of narrower) {
		if (least.built.total > budget.bytes) {
			lowering = next;
			least = await make(least.chosen, lowering);
		}
	}

	if (least.built.total > budget.bytes) {
		throw new SnugError('impossible-budget', {
			subject: `budget of ${formatSize(budget.bytes)} (${budget.decidedBy})`,
			problem: 'the model does not fit, whatever the codes',
			expected: `at least ${formatSize(least.built.total)} (${least.built.total} bytes)`,
			found: `${budget.bytes} bytes`,
			hint: 'raise --budget, lower --max-sequence, or use --cache-precision int8',
		});
	}

	const weightBytes = (options: readonly Option[]): number => options.reduce((sum, {bytes}) => sum + bytes, 0);
	let room = weightBytes(least.chosen) + budget.bytes - least.built.total;
	// Below what the last choice took, not below its room, else the same choice comes again; by steps that double, so that it ends soon.
	for (let factor = 1; ; factor *= 2) {
		const chosen = allocate(candidates, room, patience);
		if (!chosen) {
			return least;
		}

		const made = await make(chosen, lowering);
		if (made.built.total <= budget.bytes) {
			return made;
		}

		room = weightBytes(chosen) - factor * (made.built.total - budget.bytes);
	}
}
