/** What loss the options of the weights reach at how many bytes: the frontier that a budget picks a point of. */
import {allocate, smallest, type Candidates, type Option} from '../allocate/allocate.js';

export type Point = {readonly bytes: number; readonly loss: number};

const total = (options: readonly Option[]): Point => ({
	bytes: options.reduce((sum, {bytes}) => sum + bytes, 0),
	loss: options.reduce((sum, {loss}) => sum + loss, 0),
});

/** Bytes of the weights alone, ascending, from the smallest codes to the best. @param count Of budgets that are tried; fewer points where they coincide. */
export function frontierOf(candidates: Candidates, count = 64): Point[] {
	const least = total(smallest(candidates)).bytes;
	const most = total(allocate(candidates, Infinity)!).bytes;
	const points: Point[] = [];
	for (let step = 0; step < count; step++) {
		// By equal ratios: what a byte is worth changes most among the small ones.
		const point = total(allocate(candidates, Math.round(least * (most / least) ** (step / (count - 1))))!);
		if (points.length === 0 || point.bytes > points.at(-1)!.bytes) {
			points.push(point);
		}
	}

	return points;
}
