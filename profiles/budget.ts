/**
 * The budget of a compilation, and which figure decided it. A budget is the bytes that the model holds: weights, state,
 * activations, tables and program.
 */
import {SnugError} from '../compiler/error.js';
import {formatSize} from '../compiler/size.js';
import type {Profile} from './profile.js';

export type Budget = {
	readonly bytes: number;
	/** For the report: 'the budget option', or "profile android-4gb: defaultBudget". */
	readonly decidedBy: string;
};

/** A budget that the user gives must fit the profile; without one the smallest figure of the profile decides. */
export function decideBudget(profile: Profile, {budget}: {readonly budget?: number | undefined} = {}): Budget {
	const limits = (['tabBytes', 'wasmMaximum'] as const).map(field => ({bytes: profile[field], decidedBy: `profile ${profile.name}: ${field}`}));
	if (budget === undefined) {
		return smallest([{bytes: profile.defaultBudget, decidedBy: `profile ${profile.name}: defaultBudget`}, ...limits]);
	}

	const limit = smallest(limits);
	if (budget > limit.bytes) {
		throw new SnugError('budget-above-profile', {
			subject: 'the budget option',
			problem: `is above what the device gives (${limit.decidedBy})`,
			expected: `at most ${formatSize(limit.bytes)} (${limit.bytes} bytes)`,
			found: `${formatSize(budget)} (${budget} bytes)`,
			hint: 'lower the budget or choose the profile of a larger device',
		});
	}

	return {bytes: budget, decidedBy: 'the budget option'};
}

const smallest = (figures: readonly Budget[]): Budget => figures.reduce((least, figure) => (figure.bytes < least.bytes ? figure : least));
