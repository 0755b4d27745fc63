/** How the leading axes of a product's operands move, and the checks that its sizes agree. */
import {equal, keyOf, multiply, type Dim} from '../../graph/dim.js';

/** For each axis of `batch`, how far `shape` (aligned right, blocks of `block` elements) moves; 0 where it repeats. */
export function batchStrides(batch: readonly Dim[], shape: readonly Dim[], block: Dim): Dim[] {
	const strides: Dim[] = batch.map(() => 0);
	let stride = block;
	for (let axis = shape.length - 1; axis >= 0; axis--) {
		const dim = shape[axis]!;
		strides[axis + batch.length - shape.length] = dim === 1 ? 0 : stride;
		stride = multiply(stride, dim);
	}

	return strides;
}

export type Fail = (problem: string, sides?: {expected?: string; found?: string; hint?: string}) => never;

/** Both dimensions must be the same thing. */
export function requireEqual(what: string, a: Dim, b: Dim, fail: Fail): void {
	if (!equal(a, b)) {
		fail(`${what} does not match`, {expected: keyOf(a), found: keyOf(b)});
	}
}
