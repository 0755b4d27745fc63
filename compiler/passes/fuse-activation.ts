/** GELU (arXiv 1606.08415) in the forms exporters write, and gated activations such as SwiGLU. */
import type {Node} from '../graph/graph.js';
import type {Pass} from './pass.js';
import {rewrite, type Rule, type View} from './rewrite.js';

const near = (value: number | undefined, target: number): boolean => value !== undefined && Math.abs(value - target) <= 1e-4 * Math.abs(target);

/** The factors of a product tree of at most four: constants multiplied together, and the rest. */
function factors(view: View, value: string, depth = 3): {scale: number; values: string[]} {
	const constant = view.scalar(value);
	if (constant !== undefined) {
		return {scale: constant, values: []};
	}

	const node = depth > 0 ? view.producer(value, 'Mul', 'Div') : undefined;
	if (!node) {
		return {scale: 1, values: [value]};
	}

	const left = factors(view, node.inputs[0]!, depth - 1);
	if (node.op === 'Div') {
		const divisor = view.scalar(node.inputs[1]!);
		return divisor === undefined ? {scale: 1, values: [value]} : {scale: left.scale / divisor, values: left.values};
	}

	const right = factors(view, node.inputs[1]!, depth - 1);
	return {scale: left.scale * right.scale, values: [...left.values, ...right.values]};
}

/** 1 + f(z), f being `op`: z. */
function onePlus(view: View, value: string, op: string): string | undefined {
	const add = view.producer(value, 'Add');
	for (const side of add ? [0, 1] : []) {
		const inner = view.producer(add!.inputs[side]!, op);
		if (inner && view.scalar(add!.inputs[1 - side]!) === 1) {
			return inner.inputs[0];
		}
	}

	return undefined;
}

/** √(2/π) (x + 0.044715 x³). */
function isTanhArgument(view: View, value: string, x: string): boolean {
	const outer = factors(view, value, 1);
	const add = outer.values.length === 1 && near(outer.scale, Math.sqrt(2 / Math.PI)) ? view.producer(outer.values[0]!, 'Add') : undefined;
	for (const side of add ? [0, 1] : []) {
		const other = factors(view, add!.inputs[1 - side]!);
		const pow = other.values.length === 1 ? view.producer(other.values[0]!, 'Pow') : undefined;
		const cube = pow ? pow.inputs[0] === x && view.scalar(pow.inputs[1]!) === 3 : other.values.length === 3 && other.values.every(value => value === x);
		if (add!.inputs[side] === x && near(other.scale, 0.044715) && cube) {
			return true;
		}
	}

	return false;
}

const gelu: Rule = {
	name: 'gelu',
	ops: ['Mul', 'Div'],
	apply(node, view, build) {
		const {scale, values} = factors(view, node.outputs[0]!);
		if (!near(scale, 0.5) || values.length !== 2) {
			return false;
		}

		for (const side of [0, 1]) {
			const x = values[side]!;
			const erf = onePlus(view, values[1 - side]!, 'Erf');
			const inner = erf === undefined ? undefined : factors(view, erf, 1);
			if (inner?.values.length === 1 && inner.values[0] === x && near(inner.scale, Math.SQRT1_2)) {
				build.node('Gelu', [x], {approximate: 'none'}, node.outputs);
				return true;
			}

			const tanh = onePlus(view, values[1 - side]!, 'Tanh');
			if (tanh !== undefined && isTanhArgument(view, tanh, x)) {
				build.node('Gelu', [x], {approximate: 'tanh'}, node.outputs);
				return true;
			}
		}

		return false;
	},
};

/** activation(gate): the gate and the name of the activation. */
function activated(view: View, node: Node | undefined): {gate: string; activation: string} | undefined {
	switch (node?.op) {
		case 'Swish': {
			return (node.attributes['alpha'] ?? 1) === 1 ? {gate: node.inputs[0]!, activation: 'silu'} : undefined;
		}

		case 'Gelu': {
			return node.attributes['approximate'] === 'tanh' ? {gate: node.inputs[0]!, activation: 'gelu_tanh'} : undefined;
		}

		case 'Relu': {
			return {gate: node.inputs[0]!, activation: 'relu'};
		}

		case 'Mul': {
			for (const side of [0, 1]) {
				const sigmoid = view.producer(node.inputs[side]!, 'Sigmoid');
				if (sigmoid && sigmoid.inputs[0] === node.inputs[1 - side]) {
					return {gate: sigmoid.inputs[0]!, activation: 'silu'};
				}
			}

			return undefined;
		}

		default: {
			return undefined;
		}
	}
}

const gated: Rule = {
	name: 'gated',
	ops: ['Mul'],
	apply(node, view, build) {
		for (const side of [0, 1]) {
			const value = node.inputs[side]!;
			const found = activated(view, view.producer(value));
			const up = node.inputs[1 - side]!;
			if (found && up !== found.gate && view.usedOnce(value) && !view.constant(up) && sameShape(view, found.gate, up)) {
				build.node('snug.Gated', [found.gate, up], {activation: found.activation}, node.outputs);
				return true;
			}
		}

		return false;
	},
};

const sameShape = (view: View, a: string, b: string): boolean => JSON.stringify(view.type(a).shape) === JSON.stringify(view.type(b).shape);

export const fuseGelu: Pass = {
	name: 'fuse-gelu',
	description: 'GELU, written out with erf or tanh, becomes one op',
	run: typed => rewrite(typed, [gelu]),
};

export const fuseGated: Pass = {
	name: 'fuse-gated',
	description: 'an activation multiplied by a sibling (SwiGLU) becomes one op',
	run: typed => rewrite(typed, [gated]),
};
