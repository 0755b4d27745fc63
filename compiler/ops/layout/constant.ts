/** Constant and ConstantOfShape. https://onnx.ai/onnx/operators/onnx__Constant.html */
import {evaluate, isNumber, type Dim} from '../../graph/dim.js';
import {allocate, bytesOf, isFloat} from '../../graph/dtype.js';
import {float32, int64, sizeOf, tensor, type Constant, type Tensor} from '../../graph/tensor.js';
import {describeShape} from '../broadcast.js';
import type {Op} from '../op.js';
import {bitsOf, scalar} from './element.js';
import {cells} from './movement.js';
import {KNOWN_LENGTH, readTensors, shapeInput, type Reading} from './reading.js';
import {product} from '../../graph/shape.js';

type Failing = Pick<Reading, 'attributes' | 'fail'>;

const isConstant = (value: unknown): value is Constant => typeof value === 'object' && value !== null && 'read' in value;

function tensorAttribute(ctx: Failing): Tensor | undefined {
	const {value} = ctx.attributes;
	return value === undefined
		? undefined
		: isConstant(value)
			? tensor(value)
			: ctx.fail("attribute 'value' has the wrong type", {expected: 'a tensor', found: typeof value});
}

function constantTensor(ctx: Failing): Tensor {
	const {value_float: float, value_floats: floats, value_int: int, value_ints: ints} = ctx.attributes;
	const list = (value: unknown): readonly number[] | undefined => (Array.isArray(value) ? (value as readonly number[]) : undefined);
	const made =
		tensorAttribute(ctx) ??
		(typeof float === 'number' ? float32([], [float]) : undefined) ??
		(typeof int === 'number' ? int64([], [int]) : undefined) ??
		(list(floats) && float32([list(floats)!.length], list(floats)!)) ??
		(list(ints) && int64([list(ints)!.length], list(ints)!));
	return (
		made ??
		ctx.fail('the constant has no value that can be used', {
			expected: 'value, value_float(s) or value_int(s)',
			found: Object.keys(ctx.attributes).join(', ') || 'no attribute',
		})
	);
}

const known = ({dtype, data}: Tensor): readonly Dim[] | undefined =>
	isFloat(dtype) || data.length > KNOWN_LENGTH ? undefined : Array.from(data as ArrayLike<number | bigint>, Number);

/** Constant folding turns it into a constant of the graph, so it has no kernel. */
export const constant: Op = {
	name: 'Constant',
	infer(ctx) {
		const made = constantTensor(ctx);
		const value = known(made);
		return [{dtype: made.dtype, shape: made.dims, ...(value && {value})}];
	},
	evaluate: ctx => [constantTensor(ctx)],
};

/** One element, repeated over a shape: https://onnx.ai/onnx/operators/onnx__ConstantOfShape.html */
export const constantOfShape: Op = {
	name: 'ConstantOfShape',
	infer(ctx) {
		const shape = targetShape(ctx);
		const element = elementOf(ctx);
		const size = product(shape);
		const value = isNumber(size) && size <= KNOWN_LENGTH ? known(element)?.[0] : undefined;
		return [{dtype: element.dtype, shape, ...(value !== undefined && {value: new Array<Dim>(size as number).fill(value)})}];
	},
	evaluate(ctx) {
		const dims = targetShape(readTensors(ctx)).map(dim => evaluate(dim, {}));
		const element = elementOf(ctx);
		const data = allocate(element.dtype, sizeOf(dims));
		const to = cells(data);
		for (let i = 0; i < to.length; i++) {
			to[i] = cells(element.data)[0]!;
		}

		return [{dtype: element.dtype, dims, data}];
	},
	lower(ctx) {
		const element = elementOf(ctx);
		ctx.call('fill', {y: ctx.output(0), value: bitsOf(element), count: product(targetShape(ctx)), bytes: bytesOf(element.dtype)});
	},
};

const elementOf = (ctx: Failing): Tensor => tensorAttribute(ctx) ?? scalar('float32', 0);

function targetShape(ctx: Reading): readonly Dim[] {
	const shape = shapeInput(ctx, 0, 'the shape');
	return shape.some(dim => isNumber(dim) && dim < 0) ? ctx.fail('a shape has a negative number', {expected: '0 or more', found: describeShape(shape)}) : shape;
}
