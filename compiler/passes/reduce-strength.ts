/**
 * Arithmetic that does less than it says: factors of one and addends of zero go, products over an axis of one become multiplications.
 *
 * Exporters leave both in the angles of rotary embeddings. Results keep their bits, except that −0 + 0 stays −0.
 */
import {equal, type Dim} from '../graph/dim.js';
import type {Node, ValueType} from '../graph/graph.js';
import {sizeOf} from '../graph/tensor.js';
import type {Pass} from './pass.js';
import {rewrite, type Rule, type View} from './rewrite.js';

/** Longer constants are not read for this. */
const COMPARED = 65_536;

const neutrals: Readonly<Record<string, {readonly element: number; readonly inputs: readonly number[]}>> = {
	Mul: {element: 1, inputs: [0, 1]},
	Div: {element: 1, inputs: [1]},
	Add: {element: 0, inputs: [0, 1]},
	Sub: {element: 0, inputs: [1]},
};

const sameType = (a: ValueType, b: ValueType): boolean =>
	a.dtype === b.dtype && a.shape.length === b.shape.length && a.shape.every((dim, axis) => equal(dim, b.shape[axis]!));

function consistsOf(view: View, value: string, element: number): boolean {
	const constant = view.constant(value);
	if (!constant || constant.dtype === 'float16' || constant.dtype === 'bfloat16' || sizeOf(constant.dims) > COMPARED) {
		return false;
	}

	return Array.prototype.every.call(constant.read(), (item: number | bigint) => Number(item) === element);
}

const neutral: Rule = {
	name: 'neutral',
	ops: Object.keys(neutrals),
	apply(node, view, build) {
		const {element, inputs} = neutrals[node.op]!;
		const at = inputs.find(
			index => consistsOf(view, node.inputs[index]!, element) && sameType(view.type(node.inputs[1 - index]!), view.type(node.outputs[0]!)),
		);
		if (at === undefined) {
			return false;
		}

		build.node('Identity', [node.inputs[1 - at]!], {}, node.outputs);
		return true;
	},
};

/** The one reader of a value, where it swaps the last two axes. */
function swapped(view: View, value: string): Node | undefined {
	const [reader] = view.consumers(value);
	const perm = reader?.op === 'Transpose' && view.usedOnce(value) ? (reader.attributes['perm'] as readonly number[] | undefined) : undefined;
	const last = (perm?.length ?? 0) - 1;
	return perm?.every((axis, index) => axis === (index < last - 1 ? index : 2 * last - 1 - index)) ? reader : undefined;
}

const outer: Rule = {
	name: 'outer-product',
	ops: ['MatMul'],
	apply(node, view, build) {
		const [a, b] = node.inputs as [string, string];
		const [column, row] = [view.type(a).shape, view.type(b).shape];
		if (column.length < 2 || column.length !== row.length || !equal(column.at(-1)!, 1) || !equal(row.at(-2)!, 1)) {
			return false;
		}

		const transpose = swapped(view, node.outputs[0]!);
		if (!transpose) {
			build.node('Mul', [a, b], {}, node.outputs);
			return true;
		}

		const turn = (value: string, shape: readonly Dim[]): string =>
			build.node('Reshape', [value, build.integers(`${node.name}/shape`, [...shape.slice(0, -2), shape.at(-1)!, shape.at(-2)!])], {allowzero: 1});
		build.node('Mul', [turn(b, row), turn(a, column)], {}, transpose.outputs);
		return {replaces: [transpose]};
	},
};

export const reduceStrength: Pass = {
	name: 'reduce-strength',
	description: 'factors of one and addends of zero go; products over an axis of one become multiplications',
	run: typed => rewrite(typed, [neutral, outer]),
};
