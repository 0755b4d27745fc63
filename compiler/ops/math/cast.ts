/**
 * Cast, CastLike, and what leaves its input as it is: Identity and, at inference, Dropout.
 *
 * Floats become integers by truncation towards zero; what no 64-bit integer holds saturates, NaN is 0, and then the value wraps to the
 * width of the target. The specification leaves values out of range open. https://onnx.ai/onnx/operators/onnx__Cast.html
 */
import {allocate, bytesOf, isFloat, type DType} from '../../graph/dtype.js';
import {describeNode, type Node} from '../../graph/graph.js';
import {sizeOf, type Tensor} from '../../graph/tensor.js';
import type {LowerContext} from '../../plan/lower-context.js';
import {dataType} from '../../onnx/data-type.js';
import {fromNumbers, toNumbers} from '../linear/numbers.js';
import {integer} from '../linear/attributes.js';
import type {InferContext, Inferred, Op} from '../op.js';
import {isBig, type Big} from './elements.js';
import {convert} from './lowering.js';
import {elementwise, isTrue} from './symbolic.js';
import {product} from '../../graph/shape.js';

const smallest = -(2n ** 63n);
const largest = {int64: 2n ** 63n - 1n, uint64: 2n ** 64n - 1n};

/** A double as a 64-bit integer, towards zero, saturating. */
function toBig(value: number, dtype: 'int64' | 'uint64'): bigint {
	if (Number.isNaN(value)) {
		return 0n;
	}

	const low = dtype === 'int64' ? smallest : 0n;
	const high = largest[dtype];
	return value >= Number(high) ? high : value <= Number(low) ? low : BigInt(Math.trunc(value));
}

export function cast(x: Tensor, dtype: DType): Tensor {
	if (x.dtype === dtype) {
		return x;
	}

	const {dims} = x;
	if (isBig(x.dtype) && !isFloat(dtype) && dtype !== 'bool') {
		const data = allocate(dtype, x.data.length);
		for (let i = 0; i < data.length; i++) {
			const value = (x.data as Big)[i]!;
			data[i] = isBig(dtype) ? value : Number(BigInt.asIntN(32, value));
		}

		return {dtype, dims, data};
	}

	const numbers = toNumbers(x);
	if (isBig(dtype)) {
		const data = allocate(dtype, numbers.length);
		for (let i = 0; i < data.length; i++) {
			data[i] = isFloat(x.dtype) ? toBig(numbers[i]!, dtype as 'int64' | 'uint64') : BigInt(numbers[i]!);
		}

		return {dtype, dims, data};
	}

	if (dtype === 'bool') {
		return fromNumbers(
			dtype,
			dims,
			Array.from(numbers, value => Number(value !== 0)),
		);
	}

	if (isFloat(dtype) || !isFloat(x.dtype)) {
		return fromNumbers(dtype, dims, numbers);
	}

	return fromNumbers(
		dtype,
		dims,
		Array.from(numbers, value => Number(BigInt.asIntN(32, toBig(value, 'int64')))),
	);
}

function inferCast(context: InferContext, dtype: DType): Inferred {
	const from = context.input(0);
	const rule = dtype === 'bool' ? isTrue : undefined;
	return elementwise(context, {dtype, shape: from.shape}, [0], ([x], bounds) =>
		x === undefined || isFloat(from.dtype) ? undefined : rule ? rule(x, bounds) : x,
	);
}

function lowerCast(context: LowerContext): void {
	const [x, y] = [context.input(0), context.output(0)];
	const sameBits = x.dtype === y.dtype || (!isFloat(x.dtype) && !isFloat(y.dtype) && y.dtype !== 'bool' && bytesOf(x.dtype) === bytesOf(y.dtype));
	if (sameBits) {
		context.alias(0, 0);
	} else {
		convert(context, y, x);
	}
}

const target = (node: Node): DType => dataType(integer(node.attributes, 'to', 0), describeNode(node)).dtype;

export const castOp: Op = {
	name: 'Cast',
	infer: context => [inferCast(context, target(context.node))],
	evaluate: context => [cast(context.input(0), target(context.node))],
	lower: lowerCast,
};

export const castLike: Op = {
	name: 'CastLike',
	infer: context => [inferCast(context, context.input(1).dtype)],
	evaluate: context => [cast(context.input(0), context.input(1).dtype)],
	lower: lowerCast,
};

export const identity: Op = {
	name: 'Identity',
	infer(context) {
		const value = context.value(0);
		const {dtype, shape} = context.input(0);
		return [value ? {dtype, shape, value} : {dtype, shape}];
	},
	evaluate: context => [context.input(0)],
	lower(context) {
		context.alias(0, 0);
	},
};

/** At inference the output is the input, and the mask is true everywhere. https://onnx.ai/onnx/operators/onnx__Dropout.html */
export const dropout: Op = {
	name: 'Dropout',
	upgrade({node, opset}) {
		// `ratio` became an input; it has no meaning at inference.
		return opset < 12 ? {...node, attributes: {}} : node;
	},
	infer(context) {
		const training = context.has(2) ? context.value(2) : [0];
		if (training?.[0] !== 0) {
			context.fail('the node is in training mode', {
				expected: 'training_mode false',
				found: training ? 'true' : 'a value known only at run time',
				hint: 'export the model in evaluation mode',
			});
		}

		const {dtype, shape} = context.input(0);
		return [
			{dtype, shape},
			{dtype: 'bool', shape},
		];
	},
	evaluate(context) {
		const x = context.input(0);
		return [x, {dtype: 'bool', dims: x.dims, data: new Uint8Array(sizeOf(x.dims)).fill(1)}];
	},
	lower(context) {
		context.alias(0, 0);
		if (context.wants(1)) {
			const mask = context.output(1);
			context.call('fill_u8', {y: mask, count: product(mask.shape), value: 1});
		}
	},
};
