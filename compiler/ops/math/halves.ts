/**
 * Lowering of ops on float16 and bfloat16 by way of float32: inputs are widened into working memory before the op's own calls, outputs
 * narrowed after them. For ops that compute; those that only move elements do without.
 */
import type {DType} from '../../graph/dtype.js';
import type {LowerContext, Operand} from '../../plan/lower-context.js';
import type {Op} from '../op.js';
import {convert, converted, scratchTensor} from './lowering.js';

const isHalf = (dtype: DType): boolean => dtype === 'float16' || dtype === 'bfloat16';

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

function lowerWide(context: LowerContext, lower: (context: LowerContext) => void): void {
	const inputs = new Map<number, Operand>();
	const outputs = new Map<number, Operand>();
	const input = (index: number): Operand => {
		const x = inputs.get(index) ?? (isHalf(context.input(index).dtype) ? converted(context, context.input(index), 'float32') : context.input(index));
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
