/** What the spellings of old opsets share: lists that were attributes and became inputs. */
import type {Attributes, Node} from '../../graph/graph.js';
import type {Tensor} from '../../graph/tensor.js';
import type {UpgradeContext} from '../op.js';

/** How input `index` is made from an attribute; the list may have gaps for inputs that stay. */
export type FormerAttribute = {
	readonly attribute: string;
	tensor(dims: readonly number[], values: readonly number[]): Tensor;
	/** A number rather than a list. */
	readonly scalar?: boolean;
	/** Used where the attribute is absent. */
	readonly fallback?: number | readonly number[];
};

export function attributesToInputs({node, addConstant, fail}: UpgradeContext, former: ReadonlyArray<FormerAttribute | undefined>): Node {
	const inputs = [...node.inputs];
	for (const [index, entry] of former.entries()) {
		if (entry === undefined) {
			continue;
		}

		const value = node.attributes[entry.attribute] ?? entry.fallback;
		while (inputs.length <= index) {
			inputs.push('');
		}

		if (value === undefined) {
			continue;
		}

		const values =
			typeof value === 'number'
				? [value]
				: Array.isArray(value) && value.every(item => typeof item === 'number')
					? (value as readonly number[])
					: fail(`attribute '${entry.attribute}' has the wrong type`, {expected: 'numbers'});
		inputs[index] = addConstant(entry.tensor(entry.scalar ? [] : [values.length], values));
	}

	while (inputs.at(-1) === '') {
		inputs.pop();
	}

	return {
		...node,
		inputs,
		attributes: without(
			node.attributes,
			former.map(entry => entry?.attribute ?? ''),
		),
	};
}

export const without = (attributes: Attributes, names: readonly string[]): Attributes =>
	Object.fromEntries(Object.entries(attributes).filter(([name]) => !names.includes(name)));
