/** ArgMax and ArgMin: where the extreme along an axis is, as int64. https://onnx.ai/onnx/operators/onnx__ArgMax.html */
import type {Dim} from '../../graph/dim.js';
import {sizeOf} from '../../graph/tensor.js';
import {toNumbers} from '../linear/numbers.js';
import {integer} from '../linear/attributes.js';
import {normaliseAxis, splitAt} from '../broadcast.js';
import type {InferContext, Op} from '../op.js';
import {isBig} from './elements.js';
import {kernelType, numberTypes, suffixOf} from './kernel-type.js';

const reduced = <T extends Dim>({attributes}: Pick<InferContext, 'attributes'>, shape: readonly T[], axis: number): Array<T | 1> =>
	integer(attributes, 'keepdims', 1) === 0 ? shape.filter((_, at) => at !== axis) : shape.map((dim, at) => (at === axis ? 1 : dim));

const arg = (name: string, kernel: string, sign: 1 | -1): Op => ({
	name,
	infer(context) {
		const {shape} = context.input(0);
		return [{dtype: 'int64', shape: reduced(context, shape, normaliseAxis(context, integer(context.attributes, 'axis', 0), shape.length))}];
	},
	evaluate(context) {
		const {dtype, dims, data: raw} = context.input(0);
		const axis = normaliseAxis(context, integer(context.attributes, 'axis', 0), dims.length);
		const last = integer(context.attributes, 'select_last_index', 0) !== 0;
		const x: ArrayLike<number | bigint> = isBig(dtype) ? raw : toNumbers(context.input(0));
		const length = dims[axis] ?? 1;
		const inner = sizeOf(dims.slice(axis + 1));
		const shape = reduced(context, dims, axis);
		const data = new BigInt64Array(sizeOf(shape));
		for (let i = 0; i < data.length; i++) {
			const start = Math.floor(i / inner) * length * inner + (i % inner);
			let best = x[start]!;
			let at = 0;
			for (let k = 1; k < length; k++) {
				const v = x[start + k * inner]!;
				const better = sign > 0 ? v > best : v < best;
				if (better || (last && v === best) || (Number.isNaN(v) && !Number.isNaN(best))) {
					best = v;
					at = k;
				}
			}

			data[i] = BigInt(at);
		}

		return [{dtype: 'int64', dims: shape, data}];
	},
	lower(context) {
		const x = context.input(0);
		const dtype = kernelType(context, numberTypes);
		const axis = normaliseAxis(context, integer(context.attributes, 'axis', 0), x.shape.length);
		context.call(`arg_${kernel}_${suffixOf(dtype)}`, {
			y: context.output(0),
			x,
			...splitAt(x.shape, axis),
			last: integer(context.attributes, 'select_last_index', 0),
		});
	},
});

export const argOps: readonly Op[] = [arg('ArgMax', 'max', 1), arg('ArgMin', 'min', -1)];
