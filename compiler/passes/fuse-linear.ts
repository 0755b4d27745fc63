/** Products with a constant matrix become `snug.Linear`, look-ups in a constant table `snug.Embedding`, and an added vector its bias. */
import {transposed} from '../graph/transposed.js';
import type {Node} from '../graph/graph.js';
import type {Constant} from '../graph/tensor.js';
import type {Pass} from './pass.js';
import {flatVector, isVector, rewrite, sameShape, type Rule, type View} from './rewrite.js';

const matrix = (view: View, value: string): Constant | undefined => {
	const constant = view.constant(value);
	return constant?.dims.length === 2 && constant.dtype === 'float32' ? constant : undefined;
};

/** x W: the linear layer of exporters, its weight [K, N]. */
const matMul: Rule = {
	name: 'linear',
	ops: ['MatMul'],
	apply(node, view, build) {
		const [x, w] = node.inputs as [string, string];
		const weight = matrix(view, w);
		if (!weight || view.constant(x) || view.type(x).dtype !== 'float32' || view.type(x).shape.length < 2) {
			return false;
		}

		build.node('snug.Linear', [x, build.constant(`${w}.T`, transposed(weight))], {}, node.outputs);
		return true;
	},
};

const gemm: Rule = {
	name: 'gemm',
	ops: ['Gemm'],
	apply(node, view, build) {
		const [x, w, bias = ''] = node.inputs as [string, string, string?];
		const weight = matrix(view, w);
		const {transA = 0, transB = 0, alpha = 1, beta = 1} = node.attributes;
		if (!weight || transA !== 0 || alpha !== 1 || beta !== 1 || view.type(x).dtype !== 'float32') {
			return false;
		}

		if (bias !== '' && !isVector(view, bias, view.type(node.outputs[0]!))) {
			return false;
		}

		const w2 = transB === 1 ? w : build.constant(`${w}.T`, transposed(weight));
		build.node('snug.Linear', [x, w2, ...(bias === '' ? [] : [flatVector(view, build, bias)])], {}, node.outputs);
		return true;
	},
};

const gather: Rule = {
	name: 'embedding',
	ops: ['Gather'],
	apply(node, view, build) {
		const [table, ids] = node.inputs as [string, string];
		if (!matrix(view, table) || ![0, -2].includes((node.attributes['axis'] as number | undefined) ?? 0) || view.constant(ids) || view.known(ids)) {
			return false;
		}

		build.node('snug.Embedding', [ids, table], {}, node.outputs);
		return true;
	},
};

const bias: Rule = {
	name: 'bias',
	ops: ['Add'],
	apply(node, view, build) {
		const side = node.inputs.findIndex(input => view.producer(input, 'snug.Linear'));
		const linear: Node | undefined = side < 0 ? undefined : view.producer(node.inputs[side]!);
		const vector = node.inputs[1 - side] ?? '';
		const type = linear && view.type(linear.outputs[0]!);
		if (
			!linear ||
			!type ||
			linear.inputs.length > 2 ||
			!view.usedOnce(linear.outputs[0]!) ||
			!isVector(view, vector, type) ||
			!sameShape(type, view.type(node.outputs[0]!))
		) {
			return false;
		}

		build.node('snug.Linear', [...linear.inputs, flatVector(view, build, vector)], {}, node.outputs);
		return true;
	},
};

export const fuseLinear: Pass = {
	name: 'fuse-linear',
	description: 'products with constant matrices become Linear, look-ups in tables Embedding',
	run: typed => rewrite(typed, [matMul, gemm, gather]),
};

export const fuseBias: Pass = {
	name: 'fuse-bias',
	description: 'a vector added after a Linear becomes its bias',
	run: typed => rewrite(typed, [bias]),
};
