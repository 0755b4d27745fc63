/** Gemm: y = alpha A' B' + beta C, either matrix transposed. https://onnx.ai/onnx/operators/onnx__Gemm.html */
import {equal, multiply, type Dim} from '../../graph/dim.js';
import type {Attributes} from '../../graph/graph.js';
import {describeShape} from '../broadcast.js';
import type {Op} from '../op.js';
import {flag, real} from './attributes.js';
import {requireEqual, type Fail} from './batch.js';
import {callMatmul, requireFloat32} from './matmul.js';
import {fromNumbers, toNumbers} from './numbers.js';

/** Sizes, and the strides of rows and columns of A' and B'. */
function geometry(a: readonly Dim[], b: readonly Dim[], attributes: Attributes, fail: Fail) {
	if (a.length !== 2 || b.length !== 2) {
		fail('A and B must be matrices', {expected: 'two axes each', found: `${describeShape(a)} and ${describeShape(b)}`});
	}

	const transA = flag(attributes, 'transA');
	const transB = flag(attributes, 'transB');
	const [m, k] = transA ? [a[1]!, a[0]!] : [a[0]!, a[1]!];
	const [inner, n] = transB ? [b[1]!, b[0]!] : [b[0]!, b[1]!];
	requireEqual('the inner dimension', k, inner, fail);
	return {m, n, k, a: transA ? ([1, m] as const) : ([k, 1] as const), b: transB ? ([1, k] as const) : ([n, 1] as const)};
}

/** Strides of C, which may be a scalar, a row, a column or a matrix. */
function biasStrides(c: readonly Dim[], m: Dim, n: Dim, fail: Fail): readonly [Dim, Dim] {
	const columns = c.at(-1) ?? 1;
	const rows = c.at(-2) ?? 1;
	if (c.length > 2 || (rows !== 1 && !equal(rows, m)) || (columns !== 1 && !equal(columns, n))) {
		fail('C does not broadcast to the product', {expected: describeShape([m, n]), found: describeShape(c)});
	}

	return [rows === 1 ? 0 : columns, columns === 1 ? 0 : 1];
}

export const gemm: Op = {
	name: 'Gemm',
	infer(context) {
		const {m, n} = geometry(context.input(0).shape, context.input(1).shape, context.attributes, context.fail);
		if (context.has(2)) {
			biasStrides(context.input(2).shape, m, n, context.fail);
		}

		return [{dtype: context.input(0).dtype, shape: [m, n]}];
	},
	evaluate(context) {
		const [a, b, c] = [context.input(0), context.input(1), context.inputs[2]];
		const {
			m,
			n,
			k,
			a: [aRow, aColumn],
			b: [bRow, bColumn],
		} = geometry(a.dims, b.dims, context.attributes, context.fail) as {m: number; n: number; k: number; a: [number, number]; b: [number, number]};
		const [cRow, cColumn] = (c ? biasStrides(c.dims, m, n, context.fail) : [0, 0]) as [number, number];
		const alpha = real(context.attributes, 'alpha', 1);
		const beta = real(context.attributes, 'beta', 1);
		const [x, w, bias] = [toNumbers(a), toNumbers(b), c && toNumbers(c)];
		const y = new Float64Array(m * n);
		for (let i = 0; i < m; i++) {
			for (let j = 0; j < n; j++) {
				let sum = 0;
				for (let l = 0; l < k; l++) {
					sum += x[i * aRow + l * aColumn]! * w[l * bRow + j * bColumn]!;
				}

				y[i * n + j] = alpha * sum + (bias ? beta * bias[i * cRow + j * cColumn]! : 0);
			}
		}

		return [fromNumbers(a.dtype, [m, n], y)];
	},
	lower(context) {
		const [a, b, y] = [context.input(0), context.input(1), context.output(0)];
		requireFloat32(context, a, b);
		const {m, n, k, a: strideA, b: strideB} = geometry(a.shape, b.shape, context.attributes, context.fail);
		const alpha = real(context.attributes, 'alpha', 1);
		const beta = real(context.attributes, 'beta', 1);
		callMatmul(context, y, a, b, {m, n, k}, {y: [n, 1], a: strideA, b: strideB}, []);
		if (context.has(2) && beta !== 0) {
			const c = context.input(2);
			const [c_row, c_column] = biasStrides(c.shape, m, n, context.fail);
			context.call('scale_add_f32', {y, c, rows: m, columns: n, c_row, c_column, alpha, beta});
		} else if (alpha !== 1) {
			context.call('scale_f32', {y, count: multiply(m, n), alpha});
		}
	},
};
