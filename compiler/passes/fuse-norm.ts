/** RMS and layer norm as exporters write them out become RMSNormalization (arXiv 1910.07467) and LayerNormalization (arXiv 1607.06450). */
import type {Node} from '../graph/graph.js';
import type {Pass} from './pass.js';
import {flatVector, isVector, rewrite, sameShape, type Rule, type View} from './rewrite.js';

/** x² as Pow(x, 2) or Mul(x, x). */
function squared(view: View, value: string): string | undefined {
	const node = view.producer(value, 'Pow', 'Mul');
	if (!node) {
		return undefined;
	}

	const [a, b] = node.inputs as [string, string];
	return node.op === 'Pow' ? (view.scalar(b) === 2 ? a : undefined) : a === b ? a : undefined;
}

/** The mean over the last axis, its dimension kept. */
function meanOf(view: View, value: string): string | undefined {
	const node = view.producer(value, 'ReduceMean');
	if (!node || (node.attributes['keepdims'] ?? 1) !== 1) {
		return undefined;
	}

	const rank = view.type(node.inputs[0]!).shape.length;
	const axes = view.known(node.inputs[1] ?? '');
	return axes?.length === 1 && (axes[0] === -1 || axes[0] === rank - 1) ? node.inputs[0] : undefined;
}

/** `value` as base ^ exponent, in whatever op it is written: the base. */
function powerOf(view: View, value: string, exponent: 0.5 | -0.5): string | undefined {
	const node = view.producer(value);
	switch (node?.op) {
		case 'Pow': {
			return view.scalar(node.inputs[1]!) === exponent ? node.inputs[0] : undefined;
		}

		case 'Sqrt': {
			return exponent === 0.5 ? node.inputs[0] : undefined;
		}

		case 'Reciprocal': {
			return exponent === -0.5 ? powerOf(view, node.inputs[0]!, 0.5) : undefined;
		}

		case 'Div': {
			return exponent === -0.5 && view.scalar(node.inputs[0]!) === 1 ? powerOf(view, node.inputs[1]!, 0.5) : undefined;
		}

		default: {
			return undefined;
		}
	}
}

type Normalized = {readonly x: string; readonly epsilon: number};

/** (mean(x²) + ε) ^ exponent: x and ε. */
function meanSquare(view: View, value: string, exponent: 0.5 | -0.5): Normalized | undefined {
	const base = powerOf(view, value, exponent);
	const add = base === undefined ? undefined : view.producer(base, 'Add');
	for (const side of add ? [0, 1] : []) {
		const epsilon = view.scalar(add!.inputs[1 - side]!);
		const mean = meanOf(view, add!.inputs[side]!);
		const x = mean === undefined ? undefined : squared(view, mean);
		if (epsilon !== undefined && x !== undefined) {
			return {x, epsilon};
		}
	}

	return undefined;
}

/** x / √(mean(x²) + ε) as a quotient, or as a product with the reciprocal. */
function normalized(view: View, node: Node): Normalized | undefined {
	for (const side of node.op === 'Div' ? [0] : node.op === 'Mul' ? [0, 1] : []) {
		const found = meanSquare(view, node.inputs[1 - side]!, node.op === 'Div' ? 0.5 : -0.5);
		if (found && found.x === node.inputs[side] && sameShape(view.type(found.x), view.type(node.outputs[0]!)) && view.type(found.x).dtype === 'float32') {
			return found;
		}
	}

	return undefined;
}

/** The constant gain or shift over the last axis that is `node`'s other operand. */
function vectorBeside(node: Node, view: View): {vector: string; other: Node} | undefined {
	for (const side of [0, 1]) {
		const [vector, value] = [node.inputs[side]!, node.inputs[1 - side]!];
		const other = view.producer(value);
		if (other && isVector(view, vector, view.type(value)) && sameShape(view.type(value), view.type(node.outputs[0]!))) {
			return {vector, other};
		}
	}

	return undefined;
}

const rms: Rule = {
	name: 'rms-norm',
	ops: ['Mul'],
	apply(node, view, build) {
		const scaled = vectorBeside(node, view);
		const found = scaled && normalized(view, scaled.other);
		if (!found) {
			return false;
		}

		build.node('RMSNormalization', [found.x, flatVector(view, build, scaled.vector)], {axis: -1, epsilon: found.epsilon}, node.outputs);
		return true;
	},
};

const layer: Rule = {
	name: 'layer-norm',
	ops: ['Add'],
	apply(node, view, build) {
		const shifted = vectorBeside(node, view);
		const scaled = shifted?.other.op === 'Mul' ? vectorBeside(shifted.other, view) : undefined;
		const found = scaled && normalized(view, scaled.other);
		const centred = found && view.producer(found.x, 'Sub');
		if (!shifted || !centred || meanOf(view, centred.inputs[1]!) !== centred.inputs[0] || !sameShape(view.type(centred.inputs[0]!), view.type(found.x))) {
			return false;
		}

		const [gain, shift] = [scaled, shifted].map(({vector}) => flatVector(view, build, vector)) as [string, string];
		build.node('LayerNormalization', [centred.inputs[0]!, gain, shift], {axis: -1, epsilon: found.epsilon}, node.outputs);
		return true;
	},
};

export const fuseNorm: Pass = {
	name: 'fuse-norm',
	description: 'RMS norm and layer norm become one op',
	run: typed => rewrite(typed, [rms, layer]),
};
