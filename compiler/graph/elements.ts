/** Integers known at compile time as a tensor. */
import {allocate, bytesOf} from './dtype.js';
import type {ValueType} from './graph.js';
import type {Tensor} from './tensor.js';

export function fromElements({dtype, shape}: ValueType, elements: readonly number[]): Tensor {
	const data = allocate(dtype, elements.length);
	const wide = bytesOf(dtype) === 8 && dtype !== 'float64';
	for (const [index, element] of elements.entries()) {
		data[index] = wide ? toInt64(element) : element;
	}

	return {dtype, dims: shape as readonly number[], data};
}

/** INT64_MAX passed through a double comes back as 2⁶³: keep it in range. */
function toInt64(value: number): bigint {
	const exact = BigInt(value);
	const limit = 2n ** 63n;
	return exact >= limit ? limit - 1n : exact < -limit ? -limit : exact;
}
