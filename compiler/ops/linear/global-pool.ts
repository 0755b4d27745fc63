/** GlobalAveragePool, GlobalMaxPool and GlobalLpPool: every channel becomes one number. */
import {multiply} from '../../graph/dim.js';
import {sizeOf} from '../../graph/tensor.js';
import type {Attributes} from '../../graph/graph.js';
import type {Op} from '../op.js';
import {describeShape} from '../broadcast.js';
import {integer} from './attributes.js';
import {requireFloat32} from './matmul.js';
import {fromNumbers, toNumbers} from './numbers.js';

type Reduction = {readonly name: string; readonly kind: number; reduce(values: readonly number[], attributes: Attributes): number};

const globalPool = ({name, kind, reduce}: Reduction): Op => ({
	name,
	infer(context) {
		const {dtype, shape} = context.input(0);
		return shape.length < 3
			? context.fail('the input must have spatial axes', {expected: '[batch, channels, …]', found: describeShape(shape)})
			: [{dtype, shape: shape.map((dim, axis) => (axis < 2 ? dim : 1))}];
	},
	evaluate(context) {
		const x = context.input(0);
		const values = toNumbers(x);
		const size = sizeOf(x.dims.slice(2));
		const y = Array.from({length: x.dims[0]! * x.dims[1]!}, (_, channel) =>
			reduce(Array.from(values.subarray(channel * size, (channel + 1) * size)), context.attributes),
		);
		return [
			fromNumbers(
				x.dtype,
				x.dims.map((dim, axis) => (axis < 2 ? dim : 1)),
				y,
			),
		];
	},
	lower(context) {
		const [x, y] = [context.input(0), context.output(0)];
		requireFloat32(context, x);
		const p = integer(context.attributes, 'p', 2);
		if (kind === 2 && p !== 2) {
			context.fail('no kernel for this norm', {expected: 'attribute p of 2', found: String(p)});
		}

		context.call('global_pool_f32', {y, x, channels: multiply(x.shape[0]!, x.shape[1]!), size: multiply(...x.shape.slice(2)), kind});
	},
});

export const globalPools: readonly Op[] = [
	{name: 'GlobalAveragePool', kind: 0, reduce: (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length},
	{name: 'GlobalMaxPool', kind: 1, reduce: (values: readonly number[]) => values.reduce((a, b) => Math.max(a, b), -Infinity)},
	{
		name: 'GlobalLpPool',
		kind: 2,
		reduce(values: readonly number[], attributes: Attributes) {
			const p = integer(attributes, 'p', 2);
			return values.reduce((sum, value) => sum + Math.abs(value) ** p, 0) ** (1 / p);
		},
	},
].map(globalPool);
