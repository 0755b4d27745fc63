/**
 * Undoes `join-siblings` where outputs part for good, as queries, keys and values do: each then has codes of its own. Keys and values of
 * grouped heads, which many queries share, are worth more bits. Gates and their products, which meet again at once, stay together: the
 * model is as sensitive to the one as to the other.
 */
import type {Node} from '../graph/graph.js';
import type {Constant} from '../graph/tensor.js';
import type {Pass} from './pass.js';
import {rewrite, type Rule, type View} from './rewrite.js';
import {cutRows} from './rows.js';

/** Parts of queries, keys and values; what falls apart into more, heads for example, would be many small products. */
const MOST = 3;

const part: Rule = {
	name: 'joined siblings',
	ops: ['Split'],
	apply(split, view, build) {
		const joined = view.producer(split.inputs[0]!, 'snug.Linear');
		if (!joined || !view.usedOnce(split.inputs[0]!) || split.outputs.length > MOST || !isCutInRanges(split, view) || meetsAgain(split.outputs, view)) {
			return false;
		}

		const [x, weight, bias = ''] = joined.inputs as [string, string, string?];
		const constants = [weight, bias].filter(name => name !== '').map(name => view.constant(name));
		// Codes of a file stay what they are, and what others read too stays whole.
		if (!constants.every(constant => constant !== undefined) || constants.some(constant => constant.quantized ?? constant.guarded) || !view.usedOnce(weight)) {
			return false;
		}

		let end = 0;
		const ends = split.outputs.map(name => (end += view.type(name).shape.at(-1) as number));
		const parts = [weight, ...(bias === '' ? [] : [bias])].map((name, index) =>
			cutRows(constants[index] as Constant, ends).map((constant, at) => build.constant(`${name}.rows${ends[at - 1] ?? 0}`, constant)),
		);
		for (const [index, output] of split.outputs.entries()) {
			build.node('snug.Linear', [x, ...parts.map(list => list[index]!)], {}, [output]);
		}

		return {replaces: [joined]};
	},
};

export const partSiblings: Pass = {
	name: 'part-siblings',
	description: 'queries, keys and values get codes of their own',
	run: typed => rewrite(typed, [part]),
};

/** Whether the last axis is cut, in ranges whose lengths are known, and all are named. */
function isCutInRanges({inputs, outputs, attributes}: Node, view: View): boolean {
	const axis = Number(attributes['axis'] ?? 0);
	const isRange = (name: string): boolean => name !== '' && Number(view.type(name).shape.at(-1)) > 0;
	return (axis === -1 || axis === view.type(inputs[0]!).shape.length - 1) && outputs.every(isRange);
}

/** Ops that make one vector of both halves, element by element. */
const GATES = new Set(['snug.Gated', 'Mul']);

/** Whether a gate reads them. */
function meetsAgain(outputs: readonly string[], view: View): boolean {
	return view.consumers(outputs[0]!).some(({op, inputs}) => GATES.has(op) && outputs.every(name => inputs.includes(name)));
}
