/** RMS and layer norm as exporters write them out become RMSNormalization (arXiv 1910.07467) and LayerNormalization (arXiv 1607.06450). */
import type {Node} from '../graph/graph.js';
import type {Pass} from './pass.js';
import {rewrite, type Rule, type View} from './rewrite.js';

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

/** √(mean(x²) + ε): x and ε. */
function rootMeanSquare(view: View, value: string): {x: string; epsilon: number} | undefined {
	const sqrt = view.producer(value, 'Sqrt');
	const add = sqrt && view.producer(sqrt.inputs[0]!, 'Add');
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
function normalized(view: View, node: Node): {x: string; epsilon: number} | undefined {
	if (node.op === 'Div') {
		const root = rootMeanSquare(view, node.inputs[1]!);
		return root?.x === node.inputs[0] ? root : undefined;
	}

	for (const side of [0, 1]) {
		const inverse = view.producer(node.inputs[side]!, 'Div', 'Reciprocal');
		if (inverse && (inverse.op === 'Reciprocal' || view.scalar(inverse.inputs[0]!) === 1)) {
			const root = rootMeanSquare(view, inverse.inputs.at(-1)!);
			if (root && root.x === node.inputs[1 - side]) {
				return root;
			}
		}
	}

	return undefined;
}

/** The constant gain or shift over the last axis that is `node`'s other operand. */
const vectorBeside = (node: Node, view: View): {vector: string; other: Node} | undefined => {
	for (const side of [0, 1]) {
		const vector = view.constant(node.inputs[side]!);
		const other = view.producer(node.inputs[1 - side]!);
		if (vector?.dims.length === 1 && other && vector.dims[0] === view.type(node.outputs[0]!).shape.at(-1)) {
			return {vector: node.inputs[side]!, other};
		}
	}

	return undefined;
};

const rms: Rule = {
	name: 'rms-norm',
	ops: ['Mul'],
	apply(node, view, build) {
		const scaled = vectorBeside(node, view);
		const found = scaled && (scaled.other.op === 'Mul' || scaled.other.op === 'Div') ? normalized(view, scaled.other) : undefined;
		if (!scaled || !found) {
			return false;
		}

		build.node('RMSNormalization', [found.x, scaled.vector], {axis: -1, epsilon: found.epsilon}, node.outputs);
		return true;
	},
};

const layer: Rule = {
	name: 'layer-norm',
	ops: ['Add'],
	apply(node, view, build) {
		const shifted = vectorBeside(node, view);
		const scaled = shifted && shifted.other.op === 'Mul' ? vectorBeside(shifted.other, view) : undefined;
		const found = scaled && (scaled.other.op === 'Div' || scaled.other.op === 'Mul') ? normalized(view, scaled.other) : undefined;
		const centred = found && view.producer(found.x, 'Sub');
		if (!shifted || !scaled || !found || !centred || meanOf(view, centred.inputs[1]!) !== centred.inputs[0]) {
			return false;
		}

		build.node('LayerNormalization', [centred.inputs[0]!, scaled.vector, shifted.vector], {axis: -1, epsilon: found.epsilon}, node.outputs);
		return true;
	},
};

export const fuseNorm: Pass = {
	name: 'fuse-norm',
	description: 'RMS norm and layer norm become one op',
	run: typed => rewrite(typed, [rms, layer]),
};
