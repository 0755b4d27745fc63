/** Whether a tensor is what was expected: floats within a tolerance, integers and booleans exactly. */
import type {Tensor} from '../../compiler/graph/tensor.js';
import {toFloat} from './floats.js';

export type Tolerance = {readonly rtol?: number; readonly atol?: number};

/** Undefined when they agree, else a sentence about the first difference. NaN equals NaN, infinities must match. */
export function difference(actual: Tensor | undefined, expected: Tensor, {rtol = 1e-3, atol = 1e-6}: Tolerance = {}): string | undefined {
	if (actual === undefined) {
		return 'no such output';
	}

	const describe = ({dtype, dims}: Tensor): string => `${dtype} [${dims.join(', ')}]`;
	if (describe(actual) !== describe(expected)) {
		return `expected ${describe(expected)}, found ${describe(actual)}`;
	}

	if (actual.data.length !== expected.data.length) {
		return `expected ${expected.data.length} elements, found ${actual.data.length}`;
	}

	for (let index = 0; index < expected.data.length; index++) {
		const a = toFloat(actual, index);
		const e = toFloat(expected, index);
		const close =
			Object.is(a, e) ||
			a === e ||
			(typeof a === 'number' && typeof e === 'number' && Number.isFinite(e) && !isExact(expected) && Math.abs(a - e) <= atol + rtol * Math.abs(e));
		if (!close) {
			return `element ${index}: expected ${e}, found ${a}`;
		}
	}

	return undefined;
}

const isExact = ({dtype}: Tensor): boolean => !/float/.test(dtype);
