/** y = Σ factor[s] · x[…, s, …], x of as many vectors side by side as there are factors: products with atoms become that with their mix. */
import {keyOf} from '../../graph/dim.js';
import {product} from '../../graph/shape.js';
import {zeros} from '../../graph/tensor.js';
import type {Op} from '../op.js';
import {rowStride} from './linear.js';

export const mix: Op = {
	name: 'snug.Mix',
	strided: [0],
	infer({input, fail}) {
		const x = input(0);
		const count = input(1).shape[0];
		const width = x.shape.at(-1);
		if (typeof width !== 'number' || typeof count !== 'number' || input(1).shape.length !== 1 || width % count !== 0) {
			return fail('the factors do not fit the input', {
				expected: 'a row that is a multiple of the number of factors',
				found: `rows of ${keyOf(width ?? 0)}, factors [${input(1).shape.map(keyOf).join(', ')}]`,
			});
		}

		return [{dtype: x.dtype, shape: [...x.shape.slice(0, -1), width / count]}];
	},
	evaluate({input}) {
		const x = input(0);
		const factors = input(1).data as Float32Array;
		const width = x.dims.at(-1)!;
		const columns = width / factors.length;
		const y = zeros('float32', [...x.dims.slice(0, -1), columns]);
		const [from, to] = [x.data as Float32Array, y.data as Float32Array];
		for (let index = 0; index < to.length; index++) {
			const start = Math.floor(index / columns) * width + (index % columns);
			to[index] = factors.reduce((sum, factor, s) => sum + factor * from[start + s * columns]!, 0);
		}

		return [y];
	},
	lower(context) {
		const x = context.input(0);
		const y = context.output(0);
		context.call('mix_f32', {
			y,
			x,
			factors: context.input(1),
			terms: context.input(1).shape[0]!,
			rows: product(y.shape.slice(0, -1)),
			columns: y.shape.at(-1)!,
			x_row: rowStride(x),
		});
	},
};
