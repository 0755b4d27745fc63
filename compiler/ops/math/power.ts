/** x^y for every mix of types; the result has the type of x. https://onnx.ai/onnx/operators/onnx__Pow.html */
import {isFloat} from '../../graph/dtype.js';
import {broadcastShapes} from '../broadcast.js';
import type {Op} from '../op.js';
import {combine} from './elements.js';
import {numberTypes, kernelType, suffixOf} from './kernel-type.js';
import {callBinary, convert, converted, scratchTensor} from './lowering.js';

/** IEEE 754 and ONNX Runtime have 1^y = 1 for any y; ECMAScript has NaN for 1^±∞ and 1^NaN. */
const power = (x: number, y: number): number => (x === 1 ? 1 : x === -1 && Math.abs(y) === Infinity ? 1 : x ** y);

/** Integers to a negative power are truncated like the quotient 1 / x^|y|. */
function integerPower(x: bigint, y: bigint): bigint {
	if (y >= 0n) {
		return x ** y;
	}

	return x === 1n ? 1n : x === -1n ? (y % 2n === 0n ? 1n : -1n) : 0n;
}

export const pow: Op = {
	name: 'Pow',
	infer(context) {
		const x = context.input(0);
		return [{dtype: x.dtype, shape: broadcastShapes(context, x.shape, context.input(1).shape)}];
	},
	evaluate: context => [
		combine(context, context.input(0).dtype, context.input(0), context.input(1), {
			number: power,
			integer: (x, y) => Math.trunc(power(x, y)),
			big: integerPower,
		}),
	],
	lower(context) {
		const dtype = kernelType(context, numberTypes);
		kernelType(context, numberTypes, 1);
		const y = context.output(0);
		// Other types are computed in doubles.
		const wide = isFloat(dtype) ? dtype : 'float64';
		const target = isFloat(dtype) ? y : scratchTensor(context, wide, y.shape);
		callBinary(context, `binary_pow_${suffixOf(wide)}`, target, converted(context, context.input(0), wide), converted(context, context.input(1), wide));
		if (target !== y) {
			convert(context, y, target);
		}
	},
};
