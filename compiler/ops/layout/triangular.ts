/** EyeLike and Trilu: matrices by their diagonals. https://onnx.ai/onnx/operators/onnx__Trilu.html */
import {isNumber, type Dim} from '../../graph/dim.js';
import {allocate, bytesOf, type DType} from '../../graph/dtype.js';
import {sizeOf} from '../../graph/tensor.js';
import {describeShape} from '../broadcast.js';
import type {Op} from '../op.js';
import {bitsOf, dtypeOf, scalar} from './element.js';
import {cells} from './movement.js';
import {concrete, integerAttribute, readTensors, type Reading} from './reading.js';
import {product} from '../../graph/shape.js';

function eyeType(ctx: Reading): {readonly dtype: DType; readonly shape: readonly Dim[]} {
	const {dtype, shape} = ctx.input(0);
	const number = integerAttribute(ctx, 'dtype', undefined);
	if (shape.length !== 2) {
		ctx.fail('the input is no matrix', {expected: '2 axes', found: describeShape(shape)});
	}

	return {
		shape,
		dtype: number === undefined ? dtype : (dtypeOf(number) ?? ctx.fail('the type cannot be held', {expected: 'a numeric type', found: `data type ${number}`})),
	};
}

/** https://onnx.ai/onnx/operators/onnx__EyeLike.html */
export const eyeLike: Op = {
	name: 'EyeLike',
	infer: ctx => [eyeType(ctx)],
	evaluate(ctx) {
		const {dtype, shape} = eyeType(readTensors(ctx));
		const [rows, columns] = concrete(shape) as [number, number];
		const k = integerAttribute(ctx, 'k', 0);
		const data = allocate(dtype, rows * columns);
		const one = scalar(dtype, 1);
		for (let row = Math.max(0, -k); row < rows && row + k < columns; row++) {
			cells(data)[row * columns + row + k] = cells(one.data)[0]!;
		}

		return [{dtype, dims: [rows, columns], data}];
	},
	lower(ctx) {
		const {dtype, shape} = eyeType(ctx);
		ctx.call('eye', {
			y: ctx.output(0),
			one: bitsOf(scalar(dtype, 1)),
			rows: shape[0]!,
			columns: shape[1]!,
			k: integerAttribute(ctx, 'k', 0),
			bytes: bytesOf(dtype),
		});
	},
};

function matrices(ctx: Reading): {readonly upper: boolean; readonly matrices: Dim; readonly rows: Dim; readonly columns: Dim} {
	const {shape} = ctx.input(0);
	if (shape.length < 2) {
		ctx.fail('the input is no matrix', {expected: '2 axes or more', found: describeShape(shape)});
	}

	if (ctx.has(1) && ctx.input(1).dtype !== 'int64') {
		ctx.fail('the diagonal has the wrong type', {expected: 'int64', found: ctx.input(1).dtype});
	}

	return {upper: integerAttribute(ctx, 'upper', 1) !== 0, matrices: product(shape.slice(0, -2)), rows: shape.at(-2)!, columns: shape.at(-1)!};
}

export const trilu: Op = {
	name: 'Trilu',
	infer(ctx) {
		const {upper, columns, rows} = matrices(ctx);
		const type = ctx.input(0);
		const k = ctx.has(1) ? ctx.value(1)?.[0] : 0;
		const value = ctx.value(0);
		if (!value || k === undefined || !isNumber(k) || !isNumber(rows) || !isNumber(columns)) {
			return [{dtype: type.dtype, shape: type.shape}];
		}

		return [{dtype: type.dtype, shape: type.shape, value: value.map((dim, at) => (keeps(at, rows, columns, k, upper) ? dim : 0))}];
	},
	evaluate(ctx) {
		const {upper, rows, columns} = matrices(readTensors(ctx)) as {upper: boolean; rows: number; columns: number};
		const {dtype, dims, data} = ctx.input(0);
		const k = Number(ctx.inputs[1]?.data[0] ?? 0);
		const output = allocate(dtype, sizeOf(dims));
		for (let at = 0; at < data.length; at++) {
			if (keeps(at, rows, columns, k, upper)) {
				cells(output)[at] = cells(data)[at]!;
			}
		}

		return [{dtype, dims, data: output}];
	},
	lower(ctx) {
		const {upper, ...extent} = matrices(ctx);
		const known = ctx.has(1) ? ctx.value(1)?.[0] : 0;
		const x = ctx.input(0);
		const rest = {y: ctx.output(0), x, ...extent, upper: upper ? 1 : 0, bytes: bytesOf(x.dtype)};
		if (known === undefined) {
			ctx.call('trilu_at', {...rest, k: ctx.input(1)});
		} else {
			ctx.call('trilu', {...rest, k: known});
		}
	},
};

function keeps(at: number, rows: number, columns: number, k: number, upper: boolean): boolean {
	const distance = (at % columns) - (Math.floor(at / columns) % rows);
	return upper ? distance >= k : distance <= k;
}
