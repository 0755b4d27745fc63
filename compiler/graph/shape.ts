/** Sizes and strides of symbolic shapes; `tensor.ts` has those of numbers. */
import {multiply, type Dim} from './dim.js';

/** How many elements a shape holds. */
export const product = (dims: readonly Dim[]): Dim => multiply(...dims);

/** Row-major strides, in elements. */
export function rowMajor(shape: readonly Dim[]): Dim[] {
	const strides = new Array<Dim>(shape.length);
	let stride: Dim = 1;
	for (let axis = shape.length - 1; axis >= 0; axis--) {
		strides[axis] = stride;
		stride = multiply(stride, shape[axis]!);
	}

	return strides;
}
