/**
 * QuantizeLinear and DequantizeLinear for integers of 8 and 16 bits (and 32, to floats): y = saturate(round(x / scale) + zero), half to
 * even, and back. https://onnx.ai/onnx/operators/onnx__QuantizeLinear.html
 */
import type {DType} from '../../graph/dtype.js';
import {roundHalfEven} from '../../graph/half.js';
import {dataType} from '../../onnx/data-type.js';
import {describeNode} from '../../graph/graph.js';
import type {EvaluateContext, InferContext, Op} from '../op.js';
import type {LowerContext} from '../../plan/lower-context.js';
import {integer} from '../linear/attributes.js';
import {requireFloat32} from '../linear/matmul.js';
import {fromNumbers, toNumbers} from '../linear/numbers.js';
import {forEachElement, limits, scaleLayout} from './scale-layout.js';

const codes: Readonly<Partial<Record<DType, string>>> = {uint8: 'u8', int8: 'i8', uint16: 'u16', int16: 'i16', int32: 'i32'};

/** The type of an attribute that holds a number of ONNX's data types; 0 is none. */
const typeNamed = ({attributes, node}: Pick<InferContext, 'attributes' | 'node'>, name: string): DType | undefined => {
	const number = integer(attributes, name, 0);
	return number === 0 ? undefined : dataType(number, describeNode(node)).dtype;
};

function codeType(context: InferContext | EvaluateContext, zero: DType | undefined): DType {
	const named = typeNamed(context, 'output_dtype');
	const dtype = zero ?? named ?? 'uint8';
	if (named && dtype !== named) {
		context.fail('output_dtype differs from the type of the zero point', {expected: dtype, found: named});
	}

	return limits[dtype] && dtype !== 'int32'
		? dtype
		: context.fail('this type of codes is not supported', {expected: 'uint8, int8, uint16 or int16', found: dtype});
}

export const quantizeLinear: Op = {
	name: 'QuantizeLinear',
	infer(context) {
		const x = context.input(0);
		scaleLayout(context, x.shape, context.input(1).shape);
		return [{dtype: codeType(context, context.has(2) ? context.input(2).dtype : undefined), shape: x.shape}];
	},
	evaluate(context) {
		const [x, scale, zero] = [context.input(0), context.input(1), context.inputs[2]];
		const dtype = codeType(context, zero?.dtype);
		const [low, high] = limits[dtype]!;
		const [values, scales, zeros] = [toNumbers(x), toNumbers(scale), zero && toNumbers(zero)];
		const y = new Float64Array(values.length);
		forEachElement(scaleLayout(context, x.dims, scale.dims), (element, at) => {
			const code = roundHalfEven(Math.fround(values[element]! / scales[at]!)) + (zeros?.[at] ?? 0);
			y[element] = Math.min(high, Math.max(low, code));
		});
		return [fromNumbers(dtype, x.dims, y)];
	},
	lower(context) {
		const [x, scale, y] = [context.input(0), context.input(1), context.output(0)];
		requireFloat32(context, x, scale);
		context.call(`quantize_linear_${codes[y.dtype]!}`, {y, x, scale, ...zeroArguments(context, y), ...scaleLayout(context, x.shape, scale.shape)});
	},
};

/** A kernel without zero points gets the codes themselves in their place, and does not read them. */
const zeroArguments = (context: LowerContext, other: ReturnType<LowerContext['input']>) => ({
	zero: context.has(2) ? context.input(2) : other,
	has_zero: context.has(2) ? 1 : 0,
});

export const dequantizeLinear: Op = {
	name: 'DequantizeLinear',
	infer(context) {
		const [x, scale] = [context.input(0), context.input(1)];
		scaleLayout(context, x.shape, scale.shape);
		if (!codes[x.dtype]) {
			context.fail('this type of codes is not supported', {expected: Object.keys(codes).join(', '), found: x.dtype});
		}

		if (context.has(2) && context.input(2).dtype !== x.dtype) {
			context.fail('the zero point has another type than the codes', {expected: x.dtype, found: context.input(2).dtype});
		}

		return [{dtype: typeNamed(context, 'output_dtype') ?? scale.dtype, shape: x.shape}];
	},
	evaluate(context) {
		const [x, scale, zero] = [context.input(0), context.input(1), context.inputs[2]];
		const [values, scales, zeros] = [toNumbers(x), toNumbers(scale), zero && toNumbers(zero)];
		const y = new Float32Array(values.length);
		forEachElement(scaleLayout(context, x.dims, scale.dims), (element, at) => {
			y[element] = (values[element]! - (zeros?.[at] ?? 0)) * scales[at]!;
		});
		return [fromNumbers(typeNamed(context, 'output_dtype') ?? scale.dtype, x.dims, y)];
	},
	lower(context) {
		const [x, scale, y] = [context.input(0), context.input(1), context.output(0)];
		requireFloat32(context, scale, y);
		context.call(`dequantize_linear_${codes[x.dtype]!}`, {y, x, scale, ...zeroArguments(context, x), ...scaleLayout(context, x.shape, scale.shape)});
	},
};
