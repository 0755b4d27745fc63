/** Masks as conditions: the conjunction under which a query may attend to a key, from the expression of a mask's element. */
import {add, isNumber, keyOf, lessOrEqual, type Bounds, type Dim} from '../graph/dim.js';
import type {Element, Index} from './index-expression.js';

/** A truth value as a conjunction of conditions; undefined when it is none. */
export type Condition =
	{readonly kind: 'atMost'; readonly left: Dim; readonly right: Dim} | {readonly kind: 'input'; readonly name: string; readonly index: Index};

export function conjunction(element: Element, bounds: Bounds, positive = true): readonly Condition[] | undefined {
	switch (element.kind) {
		case 'integer':
		case 'float': {
			return isNumber(element.value) && (element.value !== 0) === positive ? [] : undefined;
		}

		case 'input': {
			return positive ? [{kind: 'input', name: element.name, index: element.index}] : undefined;
		}

		case 'atMost': {
			const [left, right] = positive ? [element.left, element.right] : [add(element.right, 1), element.left];
			return lessOrEqual(left, right, bounds) === true ? [] : [{kind: 'atMost', left, right}];
		}

		case 'not':
		case 'complement': {
			return conjunction(element.of, bounds, !positive);
		}

		case 'scaled': {
			return element.by === 0 ? undefined : conjunction(element.of, bounds, positive);
		}

		case 'and':
		case 'or': {
			if ((element.kind === 'and') !== positive) {
				return undefined;
			}

			const left = conjunction(element.left, bounds, positive);
			const right = conjunction(element.right, bounds, positive);
			return left && right ? [...left, ...right] : undefined;
		}

		case 'select': {
			// condition ? x : false is condition ∧ x; condition ? false : x is ¬condition ∧ x.
			const [yes, no] = [conjunction(element.yes, bounds, positive), conjunction(element.no, bounds, positive)];
			const never = (side: Element): boolean => conjunction(side, bounds, !positive)?.length === 0;
			if (yes && never(element.no)) {
				const condition = conjunction(element.condition, bounds);
				return condition && [...condition, ...yes];
			}

			if (no && never(element.yes)) {
				const condition = conjunction(element.condition, bounds, false);
				return condition && [...condition, ...no];
			}

			return undefined;
		}
	}
}

/** Smaller than any score: what additive masks use in place of minus infinity. */
const HIDDEN = -1e4;

/** An additive mask (0 where one may attend, very negative elsewhere) as the conjunction of conditions under which one may. */
export function attends(element: Element, bounds: Bounds): readonly Condition[] | undefined {
	switch (element.kind) {
		case 'float':
		case 'integer': {
			return element.value === 0 ? [] : undefined;
		}

		case 'select': {
			const hides = (side: Element): boolean => side.kind === 'float' && side.value <= HIDDEN;
			const zero = (side: Element): boolean => (side.kind === 'float' || side.kind === 'integer') && side.value === 0;
			if (zero(element.yes) && hides(element.no)) {
				return conjunction(element.condition, bounds);
			}

			// (mask − 1 ? minimum : 1 − mask) leaves 0 on the other side, whatever it is called.
			if (hides(element.yes) && (zero(element.no) || sameTruth(element.condition, element.no))) {
				return conjunction(element.condition, bounds, false);
			}

			return undefined;
		}

		case 'scaled': {
			return element.by <= HIDDEN ? conjunction(element.of, bounds, false) : undefined;
		}

		default: {
			return undefined;
		}
	}
}

/** Where the condition is false, `value` is 0: it is the same element, read as a number. */
const sameTruth = (condition: Element, value: Element): boolean => textOf(condition) === textOf(value);

const textOf = (element: Element): string =>
	JSON.stringify(element, (_, part: unknown) => (typeof part === 'object' && part !== null && 'key' in part ? keyOf(part as Dim) : part));
