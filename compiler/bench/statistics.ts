/** Medians and spreads of repeated measurements. */

/** Half of what was measured lies between `low` and `high` (quartiles). */
export type Spread = {readonly median: number; readonly low: number; readonly high: number; readonly count: number};

export function spreadOf(values: readonly number[]): Spread {
	const sorted = [...values].sort((a, b) => a - b);
	return {median: quantile(sorted, 0.5), low: quantile(sorted, 0.25), high: quantile(sorted, 0.75), count: sorted.length};
}

export const median = (values: readonly number[]): number => spreadOf(values).median;

/** Linear between neighbours. */
function quantile(sorted: readonly number[], share: number): number {
	if (sorted.length === 0) {
		throw new RangeError('no values');
	}

	const at = share * (sorted.length - 1);
	const low = sorted[Math.floor(at)]!;
	return low + (sorted[Math.ceil(at)]! - low) * (at % 1);
}
