/** What the lowerings of this folder share: calls over one tensor, and over two that broadcast. */
import type {Dim} from '../../graph/dim.js';
import type {DType} from '../../graph/dtype.js';
import {bytesOf} from '../../graph/dtype.js';
import {multiply} from '../../graph/dim.js';
import type {LowerContext, Operand} from '../../plan/lower-context.js';
import {broadcastLoops} from '../broadcast.js';
import {suffixOf} from './kernel-type.js';
import {product} from '../../graph/shape.js';

export const countOf = ({shape}: Operand): Dim => product(shape);

export function callUnary(context: LowerContext, kernel: string, y: Operand, x: Operand, parameters: Readonly<Record<string, Dim>> = {}): void {
	context.call(kernel, {y, x, count: countOf(x), ...parameters});
}

export function callBinary(context: LowerContext, kernel: string, y: Operand, a: Operand, b: Operand): void {
	const {dims, strides} = broadcastLoops(y.shape, [a.shape, b.shape]);
	context.call(kernel, {y, a, b, rank: dims.length, dims, strides_a: strides[0]!, strides_b: strides[1]!});
}

/** Working memory for a tensor. */
export const scratchTensor = (context: LowerContext, dtype: DType, shape: readonly Dim[]): Operand => ({
	...context.scratch(multiply(bytesOf(dtype), ...shape)),
	dtype,
	shape,
});

/** The operand in another type: itself, or a copy in working memory. */
export function converted(context: LowerContext, x: Operand, dtype: DType): Operand {
	if (x.dtype === dtype) {
		return x;
	}

	const y = scratchTensor(context, dtype, x.shape);
	convert(context, y, x);
	return y;
}

export function convert(context: LowerContext, y: Operand, x: Operand): void {
	const target = y.dtype === 'bool' ? 'bool' : suffixOf(y.dtype);
	callUnary(context, `cast_${suffixOf(x.dtype)}_${target}`, y, x);
}
