/** What loss the options of the weights reach at how many bytes: the frontier that a budget picks a point of. */
import {allocate, smallest, totalOf, type Candidates} from '../allocate/allocate.js';

export type Point = {readonly bytes: number; readonly loss: number};

/** Bytes of the weights alone, ascending, from the smallest codes to the best. @param times How long slow codecs may make it, as `Patience` says. @param count Of budgets that are tried; fewer points where they coincide. */
export function frontierOf(candidates: Candidates, times?: number, count = 64): Point[] {
	const patience = times === undefined ? undefined : {times, candidates};
	const least = totalOf(smallest(candidates)).bytes;
	const most = totalOf(allocate(candidates, Infinity, patience)!).bytes;
	const points: Point[] = [];
	for (let step = 0; step < count; step++) {
		// By equal ratios: what a byte is worth changes most among the small ones.
		const point = totalOf(allocate(candidates, Math.round(least * (most / least) ** (step / (count - 1))), patience)!);
		if (points.length === 0 || point.bytes > points.at(-1)!.bytes) {
			points.push(point);
		}
	}

	return points;
}
