/**
 * An element of a mask as an expression of its indices: an integer (a `Dim` over the symbols and the index symbols `$0`, `$1`, …), a
 * truth value, a float that is added to scores, or an element of an input.
 */
import {isNumber, symbol, type Dim} from '../graph/dim.js';

export type Index = readonly Dim[];

export type Element =
	| {readonly kind: 'integer'; readonly value: Dim}
	/** A float known at compile time. */
	| {readonly kind: 'float'; readonly value: number}
	/** `truth`: it is 0 or 1, as masks are. */
	| {readonly kind: 'input'; readonly name: string; readonly index: Index; readonly truth: boolean}
	| {readonly kind: 'atMost'; readonly left: Dim; readonly right: Dim}
	| {readonly kind: 'and' | 'or'; readonly left: Element; readonly right: Element}
	| {readonly kind: 'not'; readonly of: Element}
	| {readonly kind: 'select'; readonly condition: Element; readonly yes: Element; readonly no: Element}
	/** 1 − x of a truth value, how float masks are inverted. */
	| {readonly kind: 'complement'; readonly of: Element}
	/** x × value. */
	| {readonly kind: 'scaled'; readonly of: Element; readonly by: number}
	/** A sum of floats. */
	| {readonly kind: 'sum'; readonly left: Element; readonly right: Element};

export const indexSymbol = (axis: number): Dim => symbol(`$${axis}`);

export const integer = (value: Dim): Element => ({kind: 'integer', value});
export const not = (of: Element): Element => ({kind: 'not', of});
export const atMost = (left: Dim, right: Dim): Element => ({kind: 'atMost', left, right});

/** The number that an element is, where it is known. */
export const numberOf = (element: Element | undefined): number | undefined =>
	element?.kind === 'float' || (element?.kind === 'integer' && isNumber(element.value)) ? (element.value as number) : undefined;

/** Whether the element is 0 or 1, in whatever type. */
export function isTruth(element: Element): boolean {
	switch (element.kind) {
		case 'integer':
		case 'float': {
			return element.value === 0 || element.value === 1;
		}

		case 'input': {
			return element.truth;
		}

		case 'select': {
			return isTruth(element.yes) && isTruth(element.no);
		}

		case 'scaled':
		case 'sum': {
			return false;
		}

		default: {
			return true;
		}
	}
}

/** Whether the element is 0, as a truth value. Undefined where that is not followed. */
export function isZero(element: Element): Element | undefined {
	const known = numberOf(element);
	if (known !== undefined) {
		return integer(Number(known === 0));
	}

	if (isTruth(element)) {
		return not(element);
	}

	switch (element.kind) {
		case 'integer': {
			return {kind: 'and', left: atMost(element.value, 0), right: atMost(0, element.value)};
		}

		case 'input': {
			return not(element);
		}

		case 'scaled': {
			return element.by === 0 ? integer(1) : isZero(element.of);
		}

		case 'select': {
			const [yes, no] = [isZero(element.yes), isZero(element.no)];
			return yes && no && {kind: 'select', condition: element.condition, yes, no};
		}

		case 'sum': {
			// 0 or minus infinity, plus 0 or 1: the sum is 0 only where both are.
			const [additive, truth] = isTruth(element.right) ? [element.left, element.right] : [element.right, element.left];
			const zero = isTruth(truth) && hidesOrZero(additive) ? isZero(additive) : undefined;
			return zero && {kind: 'and', left: zero, right: not(truth)};
		}

		default: {
			return undefined;
		}
	}
}

/** Smaller than any score: what additive masks use in place of minus infinity. */
export const HIDDEN = -1e4;

/** Whether an additive mask is either 0 or hides, and nothing between. */
export function hidesOrZero(element: Element): boolean {
	switch (element.kind) {
		case 'float':
		case 'integer': {
			return element.value === 0 || (isNumber(element.value) && element.value <= HIDDEN);
		}

		case 'select': {
			return hidesOrZero(element.yes) && hidesOrZero(element.no);
		}

		case 'scaled': {
			return element.by <= HIDDEN && isTruth(element.of);
		}

		default: {
			return false;
		}
	}
}
