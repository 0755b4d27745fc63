/**
 * Which scale belongs to which element: one for the tensor, one for each slice along an axis, or one for each block of an axis. All three
 * are strides over (outer, axis / block, inner). https://onnx.ai/onnx/operators/onnx__QuantizeLinear.html
 */
import {ceilDivide, equal, isNumber, multiply, type Dim} from '../../graph/dim.js';
import type {DType} from '../../graph/dtype.js';
import type {Attributes} from '../../graph/graph.js';
import {describeShape, normaliseAxis, splitAt} from '../broadcast.js';
import {integer} from '../linear/attributes.js';
import type {Fail} from '../linear/batch.js';

export type ScaleLayout<D extends Dim = Dim> = {
	readonly outer: D;
	readonly axis: D;
	readonly inner: D;
	readonly block: D;
	readonly outer_step: D;
	readonly axis_step: D;
	readonly inner_step: D;
};

/** Smallest and largest value of the integers that codes are held in. */
export const limits: Readonly<Partial<Record<DType, readonly [number, number]>>> = {
	uint8: [0, 255],
	int8: [-128, 127],
	uint16: [0, 65_535],
	int16: [-32_768, 32_767],
	int32: [-(2 ** 31), 2 ** 31 - 1],
};

export function scaleLayout({attributes, fail}: {readonly attributes: Attributes; fail: Fail}, shape: readonly Dim[], scale: readonly Dim[]): ScaleLayout {
	if (scale.length === 0 || (scale.length === 1 && scale[0] === 1 && shape.length !== 1)) {
		return {outer: 1, axis: 1, inner: multiply(...shape), block: 1, outer_step: 0, axis_step: 0, inner_step: 0};
	}

	const axis = normaliseAxis({fail}, integer(attributes, 'axis', 1), shape.length);
	const block = integer(attributes, 'block_size', 0);
	const {outer, length, inner} = splitAt(shape, axis);
	if (block === 0) {
		if (scale.length !== 1 || !(equal(scale[0]!, length) || scale[0] === 1)) {
			fail('the scale does not fit the axis', {expected: describeShape([length]), found: describeShape(scale), hint: 'blocks need the attribute block_size'});
		}

		return {outer, axis: length, inner, block: 1, outer_step: 0, axis_step: scale[0] === 1 ? 0 : 1, inner_step: 0};
	}

	const blocks = isNumber(length) ? Math.ceil(length / block) : ceilDivide(length, block);
	const expected = shape.map((dim, at) => (at === axis ? blocks : dim));
	if (scale.length !== shape.length || scale.some((dim, at) => !equal(dim, expected[at]!))) {
		fail('the scale does not fit the blocks', {expected: describeShape(expected), found: describeShape(scale)});
	}

	return {outer, axis: length, inner, block, outer_step: multiply(blocks, inner), axis_step: inner, inner_step: 1};
}

/** The index of the scale of each element, in order. */
export function forEachElement(layout: ScaleLayout, visit: (element: number, scale: number) => void): void {
	const {outer, axis, inner, block, outer_step, axis_step, inner_step} = layout as ScaleLayout<number>;
	let element = 0;
	for (let o = 0; o < outer; o++) {
		for (let a = 0; a < axis; a++) {
			const at = o * outer_step + Math.floor(a / block) * axis_step;
			for (let i = 0; i < inner; i++) {
				visit(element++, at + i * inner_step);
			}
		}
	}
}
