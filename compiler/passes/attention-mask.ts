/** What the masks of an attention mean: causal, sliding window, padding, or else an additive bias. */
import {add, equal, isNumber, subtract, type Dim} from '../graph/dim.js';
import {boundsOf} from '../graph/graph.js';
import {float32} from '../graph/tensor.js';
import {elementAt} from './index-expression.js';
import {attends, conjunction, type Condition} from './mask-condition.js';
import {indexSymbol} from './mask-element.js';
import type {Build, View} from './rewrite.js';

/** A value added to the scores, or a truth value under which scores are kept or hidden. */
export type Mask = {readonly kind: 'added' | 'kept' | 'hidden'; readonly value: string};

export type Meaning = {readonly causal: boolean; readonly window: number; readonly padding: string; readonly bias: string};

/** Element types of masks that the op reads. */
const PADDING = new Set(['bool', 'int32', 'int64', 'float32']);

type Sizes = {readonly batch: Dim; readonly past: Dim; readonly length: Dim};

/** Undefined when the masks cannot be expressed at all. */
export function readMask(view: View, build: Build, masks: readonly Mask[], sizes: Sizes): Meaning | undefined {
	let meaning: Meaning = {causal: false, window: 0, padding: '', bias: ''};
	for (const mask of masks) {
		const understood = conditionsOf(view, mask)?.reduce<Meaning | undefined>((so, condition) => so && apply(view, so, condition, sizes), meaning);
		const next = understood ?? biased(view, build, meaning, mask);
		if (!next) {
			return undefined;
		}

		meaning = next;
	}

	return meaning;
}

function conditionsOf(view: View, {kind, value}: Mask): readonly Condition[] | undefined {
	const {shape} = view.type(value);
	const index = shape.map((dim, axis) => (dim === 1 ? 0 : indexSymbol(axis + 4 - shape.length)));
	const element = shape.length <= 4 ? elementAt(view, value, index) : undefined;
	const bounds = boundsOf(view.graph);
	return element && (kind === 'added' ? attends(element, bounds) : conjunction(element, bounds, kind === 'kept'));
}

/** The batch is $0, the query $2, the key $3. */
function apply(view: View, meaning: Meaning, condition: Condition, {batch, past, length}: Sizes): Meaning | undefined {
	const [query, key] = [indexSymbol(2), indexSymbol(3)];
	if (condition.kind === 'input') {
		const {shape, dtype} = view.type(condition.name);
		const [row, column] = condition.index;
		const each = equal(row ?? 0, indexSymbol(0)) || (row === 0 && batch === 1);
		const fits = PADDING.has(dtype) && shape.length === 2 && equal(shape[0]!, batch) && equal(shape[1]!, length) && each && equal(column!, key);
		return fits && (meaning.padding === '' || meaning.padding === condition.name) ? {...meaning, padding: condition.name} : undefined;
	}

	// key ≤ past + query, and key > past + query − window.
	const room = subtract(condition.right, condition.left);
	if (equal(room, subtract(add(past, query), key))) {
		return {...meaning, causal: true};
	}

	const window = add(room, subtract(add(past, query), key), 1);
	return isNumber(window) && window > 0 && meaning.window === 0 ? {...meaning, window} : undefined;
}

function biased(view: View, build: Build, meaning: Meaning, {kind, value}: Mask): Meaning | undefined {
	const {shape, dtype} = view.type(value);
	if (shape.length > 4 || (kind === 'added' && dtype !== 'float32')) {
		return undefined;
	}

	const full =
		shape.length === 4
			? value
			: build.node('Reshape', [value, build.integers(`${value}/bias`, [...new Array<Dim>(4 - shape.length).fill(1), ...shape])], {allowzero: 1});
	const bias = kind === 'added' ? full : fill(build, full, kind);
	return {...meaning, bias: meaning.bias === '' ? bias : build.node('Add', [meaning.bias, bias])};
}

function fill(build: Build, condition: string, kind: 'kept' | 'hidden'): string {
	const [zero, hidden] = [build.constant('zero', float32([], [0])), build.constant('hidden', float32([], [-Infinity]))];
	return build.node('Where', kind === 'kept' ? [condition, zero, hidden] : [condition, hidden, zero]);
}
