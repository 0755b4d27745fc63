/** GELU (arXiv 1606.08415) in the forms exporters write, and gated activations such as SwiGLU. */
import type {Node} from '../graph/graph.js';
import type {Pass} from './pass.js';
import {rewrite, sameShape, type Rule, type View} from './rewrite.js';

const near = (value: number | undefined, target: number): boolean => value !== undefined && Math.abs(value - target) <= 1e-4 * Math.abs(target);

/** The factors of a product tree of at most eight: constants multiplied together, and the rest. `whole` counts as one factor, even where it is a product. */
function factors(
	view: View,
	value: string,
	{depth = 3, whole = ''}: {readonly depth?: number; readonly whole?: string} = {},
): {scale: number; values: string[]} {
	const constant = view.scalar(value);
	if (constant !== undefined) {
		return {scale: constant, values: []};
	}

	const node = depth > 0 && value !== whole ? view.producer(value, 'Mul', 'Div') : undefined;
	const divisor = node?.op === 'Div' ? view.scalar(node.inputs[1]!) : 1;
	if (!node || divisor === undefined) {
		return {scale: 1, values: [value]};
	}

	const left = factors(view, node.inputs[0]!, {depth: depth - 1, whole});
	const right = node.op === 'Div' ? {scale: 1 / divisor, values: []} : factors(view, node.inputs[1]!, {depth: depth - 1, whole});
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

const isPower = (view: View, values: readonly string[], x: string, exponent: number): boolean => {
	const pow = values.length === 1 ? view.producer(values[0]!, 'Pow') : undefined;
	return pow ? pow.inputs[0] === x && view.scalar(pow.inputs[1]!) === exponent : values.length === exponent && values.every(value => value === x);
};

/** c₁ + c₂ x^exponent with the first summand c₁, or c₁ x. */
function isSum(view: View, value: string, x: string, linear: number, [c1, c2]: readonly [number, number]): boolean {
	const add = view.producer(value, 'Add');
	return (add ? [0, 1] : []).some(side => {
		const first = factors(view, add!.inputs[side]!, {whole: x});
		const second = factors(view, add!.inputs[1 - side]!, {whole: x});
		return near(first.scale, c1) && isPower(view, first.values, x, linear) && near(second.scale, c2) && isPower(view, second.values, x, linear + 2);
	});
}

const ROOT = Math.sqrt(2 / Math.PI);
const CUBIC = 0.044715;

/** √(2/π) (x + 0.044715 x³), with x or √(2/π) or both drawn out of the sum or not. */
function isTanhArgument(view: View, value: string, x: string): boolean {
	if (isSum(view, value, x, 1, [ROOT, ROOT * CUBIC])) {
		return true;
	}

	const {scale, values} = factors(view, value, {whole: x});
	const sum = values.find(factor => factor !== x);
	const linear = values.length === 1 ? 1 : values.length === 2 && values.includes(x) ? 0 : undefined;
	return (
		sum !== undefined &&
		linear !== undefined &&
		((near(scale, ROOT) && isSum(view, sum, x, linear, [1, CUBIC])) || (near(scale, 1) && isSum(view, sum, x, linear, [ROOT, ROOT * CUBIC])))
	);
}

/** What the erf form is the GELU of. */
function erfArgument(view: View, value: string): string | undefined {
	const argument = onePlus(view, value, 'Erf');
	const node = argument === undefined ? undefined : view.producer(argument, 'Mul', 'Div');
	const x = node?.inputs.find(input => view.scalar(input) === undefined);
	const found = x === undefined ? undefined : factors(view, argument!, {depth: 1, whole: x});
	return found?.values.length === 1 && near(found.scale, Math.SQRT1_2) ? x : undefined;
}

/** What the tanh form may be the GELU of: every value that its argument reads. */
function tanhArguments(view: View, value: string): readonly string[] {
	const argument = onePlus(view, value, 'Tanh');
	const names = new Set<string>();
	const collect = (name: string, depth: number): void => {
		names.add(name);
		for (const input of depth > 0 ? (view.producer(name, 'Mul', 'Div', 'Add', 'Pow')?.inputs ?? []) : []) {
			collect(input, depth - 1);
		}
	};

	if (argument === undefined) {
		return [];
	}

	collect(argument, 4);
	return [...names].filter(x => isTanhArgument(view, argument, x));
}

const gelu: Rule = {
	name: 'gelu',
	ops: ['Mul', 'Div'],
	apply(node, view, build) {
		const output = node.outputs[0]!;
		for (const plus of factors(view, output).values) {
			const erf = erfArgument(view, plus);
			const candidates = erf === undefined ? tanhArguments(view, plus) : [erf];
			const x = candidates.find(whole => {
				const {scale, values} = factors(view, output, {whole});
				return near(scale, 0.5) && values.length === 2 && values.includes(whole) && values.includes(plus);
			});
			if (x !== undefined && view.type(x).dtype === 'float32' && sameShape(view.type(x), view.type(output))) {
				build.node('Gelu', [x], {approximate: erf === undefined ? 'tanh' : 'none'}, node.outputs);
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

/** The op does not broadcast, and knows floats of 32 bits. */
function fits(view: View, gate: string, up: string): boolean {
	const type = view.type(gate);
	return type.dtype === 'float32' && type.shape.length > 0 && sameShape(type, view.type(up));
}

const gated: Rule = {
	name: 'gated',
	ops: ['Mul'],
	apply(node, view, build) {
		for (const side of [0, 1]) {
			const value = node.inputs[side]!;
			const found = activated(view, view.producer(value));
			const up = node.inputs[1 - side]!;
			if (found && up !== found.gate && view.usedOnce(value) && !view.constant(up) && fits(view, found.gate, up)) {
				build.node('snug.Gated', [found.gate, up], {activation: found.activation}, node.outputs);
				return true;
			}
		}

		return false;
	},
};

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
