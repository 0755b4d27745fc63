/** Gated activations such as SwiGLU (arXiv 2002.05202): activation(gate) × up. */
import {equal, keyOf} from '../../graph/dim.js';
import type {Op} from '../op.js';
import {rowStride} from './linear.js';
import {product} from '../../graph/shape.js';

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** The activations, in double precision. */
export const activations: Readonly<Record<string, (x: number) => number>> = {
	silu: x => x * sigmoid(x),
	sigmoid,
	relu: x => Math.max(x, 0),
	gelu_tanh: x => x * sigmoid(2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)),
};

export const gated: Op = {
	name: 'snug.Gated',
	strided: [0, 1],
	infer({input, attributes, fail}) {
		const gate = input(0);
		const up = input(1);
		if (!((attributes['activation'] as string) in activations)) {
			fail('the activation is not known', {expected: Object.keys(activations).join(', '), found: JSON.stringify(attributes['activation'] ?? 'none')});
		}

		if (gate.shape.length !== up.shape.length || gate.shape.some((dim, axis) => !equal(dim, up.shape[axis]!))) {
			fail('gate and up differ', {expected: `[${gate.shape.map(keyOf).join(', ')}]`, found: `[${up.shape.map(keyOf).join(', ')}]`});
		}

		return [{dtype: gate.dtype, shape: gate.shape}];
	},
	evaluate({input, attributes}) {
		const gate = input(0);
		const up = input(1).data as Float32Array;
		const activation = activations[attributes['activation'] as string]!;
		return [{...gate, data: (gate.data as Float32Array).map((value, index) => activation(value) * up[index]!)}];
	},
	lower(context) {
		const gate = context.input(0);
		const up = context.input(1);
		context.call(`gated_${context.attributes['activation'] as string}_f32`, {
			y: context.output(0),
			gate,
			up,
			rows: product(gate.shape.slice(0, -1)),
			columns: gate.shape.at(-1)!,
			gate_row: rowStride(gate),
			up_row: rowStride(up),
		});
	},
};
