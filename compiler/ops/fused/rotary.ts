/** Rotary position embedding on [batch, sequence, heads·width] (arXiv 2104.09864); cosine and sine are [batch or 1, sequence, half]. */
import {equal, keyOf, multiply, type Dim} from '../../graph/dim.js';
import {zeros} from '../../graph/tensor.js';
import type {Op} from '../op.js';
import {rowStride} from './linear.js';

export const rotary: Op = {
	name: 'snug.Rotary',
	strided: [0],
	infer({input, fail}) {
		const x = input(0);
		const cosine = input(1);
		if (x.shape.length !== 3 || cosine.shape.length !== 3 || !equal(x.shape[1]!, cosine.shape[1]!)) {
			fail('the tables do not fit the input', {
				expected: `input [batch, sequence, heads*width] and tables [batch or 1, sequence, half]`,
				found: `[${x.shape.map(keyOf).join(', ')}] and [${cosine.shape.map(keyOf).join(', ')}]`,
			});
		}

		return [{dtype: x.dtype, shape: x.shape}];
	},
	evaluate({input, attributes}) {
		const [x, cosine, sine] = [input(0), input(1), input(2)];
		const heads = attributes['heads'] as number;
		const interleaved = attributes['interleaved'] === 1;
		const [batch, sequence, total] = x.dims as [number, number, number];
		const half = cosine.dims[2]!;
		const width = total / heads;
		const y = zeros('float32', x.dims);
		const [xs, ys, cs, ss] = [x, y, cosine, sine].map(({data}) => data as Float32Array) as [Float32Array, Float32Array, Float32Array, Float32Array];
		ys.set(xs);
		for (let b = 0; b < batch; b++) {
			for (let t = 0; t < sequence; t++) {
				const table = ((cosine.dims[0] === 1 ? 0 : b) * sequence + t) * half;
				for (let h = 0; h < heads; h++) {
					const at = (b * sequence + t) * total + h * width;
					for (let i = 0; i < half; i++) {
						const left = at + (interleaved ? 2 * i : i);
						const right = at + (interleaved ? 2 * i + 1 : half + i);
						const [c, s] = [cs[table + i]!, ss[table + i]!];
						ys[left] = xs[left]! * c - xs[right]! * s;
						ys[right] = xs[right]! * c + xs[left]! * s;
					}
				}
			}
		}

		return [y];
	},
	lower(context) {
		const [x, cosine, sine] = [context.input(0), context.input(1), context.input(2)];
		const heads = context.attributes['heads'] as number;
		const [batch, sequence, total] = x.shape as [Dim, Dim, number];
		const half = cosine.shape[2]!;
		context.call('rotary_f32', {
			y: context.output(0),
			x,
			cosine,
			sine,
			batch,
			sequence,
			heads,
			width: total / heads,
			half,
			x_row: rowStride(x),
			table_batch: equal(cosine.shape[0]!, 1) ? 0 : multiply(sequence, half),
			interleaved: context.attributes['interleaved'] === 1 ? 1 : 0,
		});
	},
};
