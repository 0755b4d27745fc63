/** The activation functions of recurrent cells, with the numbers by which kernels know them (`recurrent.c`). */
import type {InferContext} from '../op.js';
import {reals, texts} from './attributes.js';

type Function = {readonly code: number; readonly alpha: number; readonly beta: number; apply(x: number, alpha: number, beta: number): number};

const functions: Readonly<Record<string, Function>> = {
	sigmoid: {code: 0, alpha: 0, beta: 0, apply: x => 1 / (1 + Math.exp(-x))},
	tanh: {code: 1, alpha: 0, beta: 0, apply: x => Math.tanh(x)},
	relu: {code: 2, alpha: 0, beta: 0, apply: x => Math.max(0, x)},
	affine: {code: 3, alpha: 1, beta: 0, apply: (x, alpha, beta) => alpha * x + beta},
	leakyrelu: {code: 4, alpha: 0.01, beta: 0, apply: (x, alpha) => (x < 0 ? alpha * x : x)},
	thresholdedrelu: {code: 5, alpha: 1, beta: 0, apply: (x, alpha) => (x > alpha ? x : 0)},
	scaledtanh: {code: 6, alpha: 1, beta: 1, apply: (x, alpha, beta) => alpha * Math.tanh(beta * x)},
	hardsigmoid: {code: 7, alpha: 0.2, beta: 0.5, apply: (x, alpha, beta) => Math.min(1, Math.max(0, alpha * x + beta))},
	elu: {code: 8, alpha: 1, beta: 0, apply: (x, alpha) => (x < 0 ? alpha * Math.expm1(x) : x)},
	softsign: {code: 9, alpha: 0, beta: 0, apply: x => x / (1 + Math.abs(x))},
	softplus: {code: 10, alpha: 0, beta: 0, apply: x => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))},
};

/** Functions that take their alpha, and those that take their beta, from the attributes' lists. */
const takesAlpha = new Set(['affine', 'leakyrelu', 'thresholdedrelu', 'scaledtanh', 'hardsigmoid', 'elu']);
const takesBeta = new Set(['affine', 'scaledtanh', 'hardsigmoid']);

export type CellActivation = {readonly code: number; readonly alpha: number; readonly beta: number; apply(x: number): number};

/** The functions of every direction, `defaults.length` each. The lists of alphas and betas hold values only for functions that take them. */
export function cellActivations(
	{attributes, fail}: Pick<InferContext, 'attributes' | 'fail'>,
	defaults: readonly string[],
	directions: number,
): CellActivation[][] {
	const names = texts(attributes, 'activations') ?? Array.from({length: directions}, () => defaults).flat();
	if (names.length !== defaults.length * directions) {
		fail('attribute activations does not fit the direction', {expected: `${defaults.length * directions} names`, found: String(names.length)});
	}

	const alphas = [...(reals(attributes, 'activation_alpha') ?? [])];
	const betas = [...(reals(attributes, 'activation_beta') ?? [])];
	const all = names.map(name => {
		const key = name.toLowerCase();
		const known = functions[key] ?? fail(`the activation ${name} is unknown`, {expected: Object.keys(functions).join(', '), found: name});
		const alpha = takesAlpha.has(key) ? (alphas.shift() ?? known.alpha) : known.alpha;
		const beta = takesBeta.has(key) ? (betas.shift() ?? known.beta) : known.beta;
		return {code: known.code, alpha, beta, apply: (x: number) => known.apply(x, alpha, beta)};
	});
	return Array.from({length: directions}, (_, direction) => all.slice(direction * defaults.length, (direction + 1) * defaults.length));
}

const bits = new DataView(new ArrayBuffer(4));

/** What kernels read for one function: its code, and alpha and beta as the bits of f32. */
export function activationNumbers(activations: readonly CellActivation[]): number[] {
	const word = (value: number): number => {
		bits.setFloat32(0, value);
		return bits.getInt32(0);
	};

	return activations.flatMap(({code, alpha, beta}) => [code, word(alpha), word(beta)]);
}
