/**
 * The multiple-choice knapsack: one option for each weight, the sum of bytes within a budget, the sum of losses small. Sees numbers only.
 *
 * Each weight's options are reduced to their lower convex hull; starting from the fewest bytes, the step with the steepest loss per byte
 * is taken while it fits (Sinha and Zoltners 1979). What is left of the budget goes to the best single steps that still fit.
 */
export type Choices = ReadonlyArray<ReadonlyArray<{readonly bytes: number; readonly loss: number}>>;

/** @returns an option's index for each weight, or undefined when even the smallest options do not fit. */
export function choose(weights: Choices, budget: number): number[] | undefined {
	const hulls = weights.map(hull);
	const levels = hulls.map(() => 0);
	let left = budget - hulls.reduce((sum, steps) => sum + steps[0]!.bytes, 0);
	if (left < 0) {
		return undefined;
	}

	const steps = hulls
		.flatMap((points, weight) =>
			points.slice(1).map((point, index) => ({weight, level: index + 1, bytes: point.bytes - points[index]!.bytes, gain: points[index]!.loss - point.loss})),
		)
		.sort((a, b) => b.gain / b.bytes - a.gain / a.bytes);
	const stopped = new Set<number>();
	for (const {weight, level, bytes} of steps) {
		// Steps of one weight come in order, since hulls are convex; one that does not fit ends that weight's climb.
		if (!stopped.has(weight) && bytes <= left) {
			levels[weight] = level;
			left -= bytes;
		} else {
			stopped.add(weight);
		}
	}

	return levels.map((level, weight) => hulls[weight]![level]!.option);
}

type Point = {readonly option: number; readonly bytes: number; readonly loss: number};

/** Options on the lower convex hull, fewest bytes first, losses falling. */
export function hull(options: Choices[number]): Point[] {
	const sorted = options.map((point, option) => ({option, ...point})).sort((a, b) => a.bytes - b.bytes || a.loss - b.loss);
	const points: Point[] = [];
	for (const point of sorted) {
		if (points.length > 0 && point.loss >= points.at(-1)!.loss) {
			continue;
		}

		while (points.length > 1 && slope(points.at(-2)!, points.at(-1)!) > slope(points.at(-2)!, point)) {
			points.pop();
		}

		points.push(point);
	}

	return points;
}

const slope = (a: Point, b: Point): number => (b.loss - a.loss) / (b.bytes - a.bytes);
