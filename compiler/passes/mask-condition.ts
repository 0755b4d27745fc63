/** Masks as conditions: the conjunction under which a query may attend to a key, from the expression of a mask's element. */
import {add, isNumber, keyOf, lessOrEqual, subtract, type Bounds, type Dim} from '../graph/dim.js';
import {HIDDEN, hidesOrZero, isTruth, isZero, numberOf, type Element, type Index} from './mask-element.js';

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
			const left = conjunction(element.left, bounds, positive);
			const right = conjunction(element.right, bounds, positive);
			if ((element.kind === 'and') !== positive) {
				return disjunction(left, right, bounds);
			}

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

			// condition ? x : true is ¬condition ∨ x.
			if (no?.length === 0) {
				return disjunction(conjunction(element.condition, bounds, false), yes, bounds);
			}

			return yes?.length === 0 ? disjunction(conjunction(element.condition, bounds), no, bounds) : undefined;
		}

		case 'sum': {
			return undefined;
		}
	}
}

/** A conjunction again where one side follows from the other. */
function disjunction(left: readonly Condition[] | undefined, right: readonly Condition[] | undefined, bounds: Bounds): readonly Condition[] | undefined {
	if (!left || !right) {
		return undefined;
	}

	return follows(left, right, bounds) ? left : follows(right, left, bounds) ? right : undefined;
}

/** Whether all of `conclusion` follows from `premise`. */
const follows = (conclusion: readonly Condition[], premise: readonly Condition[], bounds: Bounds): boolean =>
	conclusion.every(wanted =>
		premise.some(
			known => textOf(known) === textOf(wanted) || (known.kind === 'atMost' && wanted.kind === 'atMost' && lessOrEqual(room(known), room(wanted), bounds)),
		),
	);

const room = ({left, right}: {readonly left: Dim; readonly right: Dim}): Dim => subtract(right, left);

/** An additive mask (0 where one may attend, very negative elsewhere) as the conjunction of conditions under which one may. */
export function attends(element: Element, bounds: Bounds): readonly Condition[] | undefined {
	switch (element.kind) {
		case 'float':
		case 'integer': {
			return element.value === 0 ? [] : undefined;
		}

		case 'select': {
			const {condition, yes, no} = element;
			if (hides(no)) {
				return within(condition, attends(yes, bounds), bounds, true);
			}

			// (1 − mask ? minimum : 1 − mask) leaves 0 on the other side, whatever it is called.
			if (hides(yes)) {
				return within(condition, sameText(condition, no) ? [] : attends(no, bounds), bounds, false);
			}

			const zero = hidesOrZero(element) ? isZero(element) : undefined;
			return zero && conjunction(zero, bounds);
		}

		case 'scaled': {
			return element.by <= HIDDEN && isTruth(element.of) ? conjunction(element.of, bounds, false) : undefined;
		}

		case 'sum': {
			const [left, right] = [attends(element.left, bounds), attends(element.right, bounds)];
			return left && right ? [...left, ...right] : undefined;
		}

		default: {
			return undefined;
		}
	}
}

const hides = (element: Element): boolean => (numberOf(element) ?? 0) <= HIDDEN;

/** `rest`, and that `condition` is `positive`. A part of the condition that `rest` implies need not be said again: A ∧ ¬(A ∧ B) is A ∧ ¬B. */
function within(condition: Element, rest: readonly Condition[] | undefined, bounds: Bounds, positive: boolean): readonly Condition[] | undefined {
	const said = rest && conjunction(condition, bounds, positive);
	if (!rest || said) {
		return said && [...said, ...rest];
	}

	if (condition.kind === 'not') {
		return within(condition.of, rest, bounds, !positive);
	}

	const [left, right] = condition.kind === (positive ? 'or' : 'and') ? [condition.left, condition.right] : [];
	for (const [one, other] of left && right ? [[left, right] as const, [right, left] as const] : []) {
		const implied = conjunction(one, bounds, !positive);
		if (implied && follows(implied, rest, bounds)) {
			return within(other, rest, bounds, positive);
		}
	}

	return undefined;
}

/** Where the condition is false, `value` is 0: it is the same element, read as a number. */
const sameText = (condition: Element, value: Element): boolean => textOf(condition) === textOf(value);

const textOf = (element: Element | Condition): string =>
	JSON.stringify(element, (_, part: unknown) => (typeof part === 'object' && part !== null && 'key' in part ? keyOf(part as Dim) : part));
