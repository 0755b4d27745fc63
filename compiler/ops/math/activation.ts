/** Activations of one float tensor with parameters given as attributes. https://onnx.ai/onnx/operators/ */
import {isFloat} from '../../graph/dtype.js';
import type {Attributes} from '../../graph/graph.js';
import {real, text} from '../linear/attributes.js';
import type {Op} from '../op.js';
import {mapNumbers} from './elements.js';
import {kernelType} from './kernel-type.js';
import {callUnary} from './lowering.js';
import {gelu, geluTanh, sigmoid} from './special.js';

type Activation = {
	/** The kernel takes both, also where the function uses one. */
	readonly alpha: (attributes: Attributes) => number;
	readonly beta?: (attributes: Attributes) => number;
	readonly kernel: string;
	readonly number: (x: number, alpha: number, beta: number) => number;
};

const attribute =
	(name: string, fallback: number) =>
	(attributes: Attributes): number =>
		real(attributes, name, fallback);

function activation(name: string, {alpha, beta = () => 0, kernel, number}: Activation): Op {
	return {
		name,
		infer(context) {
			const {dtype, shape} = context.input(0);
			return isFloat(dtype) ? [{dtype, shape}] : context.fail('the input has a wrong type', {expected: 'a float type', found: dtype});
		},
		evaluate(context) {
			const x = context.input(0);
			const a = alpha(context.attributes);
			const b = beta(context.attributes);
			return [mapNumbers(x.dtype, x, value => number(value, a, b))];
		},
		lower(context) {
			kernelType(context, ['float32']);
			callUnary(context, `unary_${kernel}_f32`, context.output(0), context.input(0), {alpha: alpha(context.attributes), beta: beta(context.attributes)});
		},
	};
}

const elu = (x: number, alpha: number, beta: number): number => beta * (x < 0 ? alpha * Math.expm1(x) : x);

const clamp = (x: number, low: number, high: number): number => (Number.isNaN(x) ? x : Math.max(low, Math.min(high, x)));

export const activationOps: readonly Op[] = [
	activation('LeakyRelu', {alpha: attribute('alpha', 0.01), kernel: 'leaky_relu', number: (x, alpha) => (x < 0 ? alpha * x : x)}),
	activation('Elu', {alpha: attribute('alpha', 1), beta: () => 1, kernel: 'elu', number: elu}),
	activation('Selu', {
		alpha: attribute('alpha', 1.673_263_192_176_818_8),
		beta: attribute('gamma', 1.050_701_022_148_132_3),
		kernel: 'elu',
		number: elu,
	}),
	activation('Celu', {alpha: attribute('alpha', 1), kernel: 'celu', number: (x, alpha) => (x < 0 ? alpha * Math.expm1(x / alpha) : x)}),
	activation('HardSigmoid', {
		alpha: attribute('alpha', 0.2),
		beta: attribute('beta', 0.5),
		kernel: 'hard_sigmoid',
		number: (x, alpha, beta) => clamp(alpha * x + beta, 0, 1),
	}),
	activation('ThresholdedRelu', {alpha: attribute('alpha', 1), kernel: 'thresholded_relu', number: (x, alpha) => (x <= alpha ? 0 : x)}),
	activation('Swish', {alpha: attribute('alpha', 1), kernel: 'swish', number: (x, alpha) => x * sigmoid(alpha * x)}),
];

const approximated = (attributes: Attributes): boolean => text(attributes, 'approximate', 'none') === 'tanh';

/** Since opset 20; `approximate` is none or tanh. */
export const geluOp: Op = {
	...activation('Gelu', {alpha: () => 0, kernel: 'gelu', number: gelu}),
	evaluate(context) {
		const x = context.input(0);
		return [mapNumbers(x.dtype, x, approximated(context.attributes) ? geluTanh : gelu)];
	},
	lower(context) {
		kernelType(context, ['float32']);
		callUnary(context, approximated(context.attributes) ? 'unary_gelu_tanh_f32' : 'unary_gelu_f32', context.output(0), context.input(0));
	},
};
