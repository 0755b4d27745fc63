/**
 * Softmax, LogSoftmax and Hardmax along an axis. Before opset 13 the axes from `axis` on were one row (default 1); such nodes keep this
 * meaning through the attribute `flatten`, which import adds. https://onnx.ai/onnx/operators/onnx__Softmax.html
 */
import {multiply, type Dim} from '../../graph/dim.js';
import {isFloat} from '../../graph/dtype.js';
import {fromNumbers, toNumbers} from '../linear/numbers.js';
import {flag, integer} from '../linear/attributes.js';
import {normaliseAxis, splitAt} from '../broadcast.js';
import type {InferContext, Op} from '../op.js';
import {kernelType} from './kernel-type.js';

function loops(context: Pick<InferContext, 'attributes' | 'fail'>, shape: readonly Dim[]): {outer: Dim; length: Dim; inner: Dim} {
	const axis = normaliseAxis(context, integer(context.attributes, 'axis', -1), shape.length, flag(context.attributes, 'flatten') ? 1 : 0);
	return flag(context.attributes, 'flatten')
		? {outer: multiply(...shape.slice(0, axis)), length: multiply(...shape.slice(axis)), inner: 1}
		: splitAt(shape, axis);
}

/** Rewrites a row in place. */
type Row = (row: Float64Array) => void;

const shifted = (row: Float64Array): void => {
	const top = row.reduce((a, b) => Math.max(a, b), -Infinity);
	for (const [i, value] of row.entries()) {
		row[i] = value - top;
	}
};

const softmaxRow: Row = row => {
	shifted(row);
	const sum = row.reduce((a, b) => a + Math.exp(b), 0);
	for (const [i, value] of row.entries()) {
		row[i] = Math.exp(value) / sum;
	}
};

const logSoftmaxRow: Row = row => {
	shifted(row);
	const log = Math.log(row.reduce((a, b) => a + Math.exp(b), 0));
	for (const [i, value] of row.entries()) {
		row[i] = value - log;
	}
};

const hardmaxRow: Row = row => {
	const at = row.indexOf(row.reduce((a, b) => Math.max(a, b), -Infinity));
	row.fill(0);
	row[Math.max(at, 0)] = 1;
};

const rowOp = (name: string, apply: Row, kernel: string): Op => ({
	name,
	upgrade: ({node, opset}) => (opset < 13 ? {...node, attributes: {...node.attributes, axis: integer(node.attributes, 'axis', 1), flatten: 1}} : node),
	infer(context) {
		const {dtype, shape} = context.input(0);
		loops(context, shape);
		return isFloat(dtype) ? [{dtype, shape}] : context.fail('the input has a wrong type', {expected: 'a float type', found: dtype});
	},
	evaluate(context) {
		const x = context.input(0);
		const {outer, length, inner} = loops(context, x.dims) as {outer: number; length: number; inner: number};
		const values = Float64Array.from(toNumbers(x));
		for (let o = 0; o < outer; o++) {
			for (let i = 0; i < inner; i++) {
				const start = o * length * inner + i;
				const row = Float64Array.from({length}, (_, k) => values[start + k * inner]!);
				if (length > 0) {
					apply(row);
				}

				for (let k = 0; k < length; k++) {
					values[start + k * inner] = row[k]!;
				}
			}
		}

		return [fromNumbers(x.dtype, x.dims, values)];
	},
	lower(context) {
		kernelType(context, ['float32']);
		const [x, y] = [context.input(0), context.output(0)];
		const {outer, length, inner} = loops(context, x.shape);
		if (inner === 1 && kernel !== 'hardmax') {
			context.call(`${kernel}_f32`, {y, x, rows: outer, columns: length});
		} else {
			context.call(kernel === 'hardmax' ? 'hardmax_f32' : `${kernel}_strided_f32`, {y, x, outer, length, inner});
		}
	},
});

export const softmaxOps: readonly Op[] = [
	rowOp('Softmax', softmaxRow, 'softmax'),
	rowOp('LogSoftmax', logSoftmaxRow, 'log_softmax'),
	rowOp('Hardmax', hardmaxRow, 'hardmax'),
];
