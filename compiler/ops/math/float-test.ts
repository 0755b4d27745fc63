/** IsNaN and IsInf. https://onnx.ai/onnx/operators/ */
import {isFloat} from '../../graph/dtype.js';
import {integer} from '../linear/attributes.js';
import type {InferContext, Inferred, Op} from '../op.js';
import {mapNumbers} from './elements.js';
import {kernelType, suffixOf} from './kernel-type.js';
import {callUnary} from './lowering.js';

function inferTest(context: InferContext): readonly Inferred[] {
	const {dtype, shape} = context.input(0);
	return isFloat(dtype) ? [{dtype: 'bool', shape}] : context.fail('the input has a wrong type', {expected: 'a float type', found: dtype});
}

export const isNaNOp: Op = {
	name: 'IsNaN',
	infer: inferTest,
	evaluate: context => [mapNumbers('bool', context.input(0), x => Number(Number.isNaN(x)))],
	lower(context) {
		const dtype = kernelType(context, ['float32', 'float64']);
		callUnary(context, `unary_is_nan_${suffixOf(dtype)}`, context.output(0), context.input(0));
	},
};

/** `detect_positive` and `detect_negative` choose the signs. */
export const isInfOp: Op = {
	name: 'IsInf',
	infer: inferTest,
	evaluate(context) {
		const positive = integer(context.attributes, 'detect_positive', 1) !== 0;
		const negative = integer(context.attributes, 'detect_negative', 1) !== 0;
		return [mapNumbers('bool', context.input(0), x => Number((positive && x === Infinity) || (negative && x === -Infinity)))];
	},
	lower(context) {
		const dtype = kernelType(context, ['float32', 'float64']);
		callUnary(context, `unary_is_inf_${suffixOf(dtype)}`, context.output(0), context.input(0), {
			positive: integer(context.attributes, 'detect_positive', 1),
			negative: integer(context.attributes, 'detect_negative', 1),
		});
	},
};
