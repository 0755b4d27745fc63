/**
 * MeanVarianceNormalization: zero mean and unit variance over the given axes, in terms of simpler ops.
 * https://onnx.ai/onnx/operators/onnx__MeanVarianceNormalization.html
 */
import {isFloat, type DType} from '../../graph/dtype.js';
import {int64, type Tensor} from '../../graph/tensor.js';
import {fromNumbers} from '../linear/numbers.js';
import {integers} from '../linear/attributes.js';
import type {Op} from '../op.js';

const scalar = (dtype: DType, value: number): Tensor => fromNumbers(dtype, [], [value]);

export const meanVarianceNormalization: Op = {
	name: 'MeanVarianceNormalization',
	infer(context) {
		const {dtype, shape} = context.input(0);
		return isFloat(dtype) ? [{dtype, shape}] : context.fail('the input has a wrong type', {expected: 'a float type', found: dtype});
	},
	expand(context) {
		const {dtype} = context.input(0);
		const axes = integers(context.attributes, 'axes') ?? [0, 2, 3];
		const over = context.addConstant(int64([axes.length], axes));
		const [x] = context.inputNames;
		const [mean] = context.addNode('ReduceMean', [x!, over], {keepdims: 1});
		const [centred] = context.addNode('Sub', [x!, mean!]);
		const [squares] = context.addNode('Mul', [centred!, centred!]);
		const [variance] = context.addNode('ReduceMean', [squares!, over], {keepdims: 1});
		const [deviation] = context.addNode('Sqrt', [variance!]);
		const [divisor] = context.addNode('Add', [deviation!, context.addConstant(scalar(dtype, 1e-9))]);
		context.addNode('Div', [centred!, divisor!], {}, context.outputNames);
	},
};
