/**
 * Lowering of ops on float16 and bfloat16 by way of float32: inputs are widened into working memory before the op's own calls, outputs
 * narrowed after them. For ops that compute; those that only move elements do without.
 */
import type {DType} from '../../graph/dtype.js';
import type {Tensor} from '../../graph/tensor.js';
import type {LowerContext, Operand} from '../../plan/lower-context.js';
import type {EvaluateContext, Op} from '../op.js';
import {cast} from './cast.js';
import {convert, converted, scratchTensor} from './lowering.js';

export const isHalf = (dtype: DType): boolean => dtype === 'float16' || dtype === 'bfloat16';

export function withHalves(op: Op): Op {
	const {lower} = op;
	if (!lower) {
		return op;
	}

	return {
		...op,
		lower(context) {
			const indices = Array.from({length: context.inputCount}, (_, index) => index).filter(index => context.has(index));
			if (indices.some(index => isHalf(context.input(index).dtype))) {
				lowerWide(context, lower);
			} else {
				lower(context);
			}
		},
	};
}

/** For ops whose `evaluate` knows float32 alone: widens there, too. Outputs have the type of the first input. */
export function throughFloat(op: Op): Op {
	const {evaluate} = op;
	return evaluate ? {...withHalves(op), evaluate: context => evaluateWide(context, evaluate)} : withHalves(op);
}

function evaluateWide(context: EvaluateContext, evaluate: (context: EvaluateContext) => Tensor[]): Tensor[] {
	const inputs = context.inputs.map(x => (x && isHalf(x.dtype) ? cast(x, 'float32') : x));
	const {dtype} = context.input(0);
	return evaluate({...context, inputs, input: index => inputs[index] ?? context.input(index)}).map(y => cast(y, dtype));
}

function lowerWide(context: LowerContext, lower: (context: LowerContext) => void): void {
	const inputs = new Map<number, Operand>();
	const outputs = new Map<number, Operand>();
	const input = (index: number): Operand => {
		// A resident state has a storage type of its own, and kernels that read it.
		const widens = isHalf(context.input(index).dtype) && !context.state(index);
		const x = inputs.get(index) ?? (widens ? converted(context, context.input(index), 'float32') : context.input(index));
		inputs.set(index, x);
		return x;
	};

	const output = (index: number): Operand => {
		const y = context.output(index);
		const wide = outputs.get(index) ?? (isHalf(y.dtype) ? scratchTensor(context, 'float32', y.shape) : y);
		outputs.set(index, wide);
		return wide;
	};

	lower({...context, input, output});
	for (const [index, wide] of outputs) {
		const y = context.output(index);
		if (isHalf(y.dtype)) {
			convert(context, y, wide);
		}
	}
}
