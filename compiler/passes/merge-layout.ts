/** Reshapes of reshapes and transposes of transposes become one. */
import {equal} from '../graph/dim.js';
import type {Pass} from './pass.js';
import {rewrite, type Rule} from './rewrite.js';

const RESHAPES = ['Reshape', 'Squeeze', 'Unsqueeze', 'Flatten'];

const reshape: Rule = {
	name: 'reshape-reshape',
	ops: RESHAPES,
	apply(node, view, build) {
		const inner = view.producer(node.inputs[0]!, ...RESHAPES);
		if (!inner) {
			return false;
		}

		const source = inner.inputs[0]!;
		const from = view.type(source).shape;
		const to = view.type(node.outputs[0]!).shape;
		const same = from.length === to.length && from.every((dim, axis) => equal(dim, to[axis]!));
		if (same) {
			build.node('Identity', [source], {}, node.outputs);
		} else {
			build.node('Reshape', [source, build.integers(`${node.name}/shape`, to)], {allowzero: 1}, node.outputs);
		}

		return true;
	},
};

const transpose: Rule = {
	name: 'transpose-transpose',
	ops: ['Transpose'],
	apply(node, view, build) {
		const inner = view.producer(node.inputs[0]!, 'Transpose');
		const outerPerm = node.attributes['perm'] as readonly number[] | undefined;
		const innerPerm = inner?.attributes['perm'] as readonly number[] | undefined;
		if (!inner || !outerPerm || !innerPerm) {
			return false;
		}

		build.node('Transpose', [inner.inputs[0]!], {perm: outerPerm.map(axis => innerPerm[axis]!)}, node.outputs);
		return true;
	},
};

export const mergeLayout: Pass = {
	name: 'merge-layout',
	description: 'reshapes of reshapes and transposes of transposes become one',
	run: typed => rewrite(typed, [reshape, transpose]),
};
