/**
 * Dimensions of the manifest: numbers, or sums of symbols with coefficients. Symbols are bound from the dimensions of what is fed.
 */
import type {DimEntry} from '../../compiler/bundle/format.js';

export type Bindings = Readonly<Record<string, number>>;

/** The value, or undefined when a symbol has none. */
export function valueOf(dim: DimEntry, bindings: Bindings): number | undefined {
	if (typeof dim === 'number') {
		return dim;
	}

	let sum = 0;
	for (const [symbol, coefficient] of Object.entries(dim)) {
		const value = symbol === '' ? 1 : bindings[symbol];
		if (value === undefined) {
			return undefined;
		}

		sum += coefficient * value;
	}

	return sum;
}

export const usesSymbol = (dim: DimEntry, symbol: string): boolean => typeof dim !== 'number' && (dim[symbol] ?? 0) !== 0;

/** 'past + sequence', '2*n + 1'. */
export function describeDim(dim: DimEntry): string {
	if (typeof dim === 'number') {
		return String(dim);
	}

	const terms = Object.entries(dim).map(([symbol, coefficient]) =>
		symbol === '' ? String(coefficient) : coefficient === 1 ? symbol : `${coefficient}*${symbol}`,
	);
	return terms.join(' + ').replaceAll('+ -', '- ') || '0';
}

export const describeShape = (shape: readonly DimEntry[]): string => `[${shape.map(describeDim).join(', ')}]`;

/** Symbols that have one value. */
export const fixedSymbols = (symbols: Readonly<Record<string, {readonly min: number; readonly max: number}>>): Bindings =>
	Object.fromEntries(Object.entries(symbols).flatMap(([symbol, {min, max}]) => (min === max ? [[symbol, min]] : [])));

/** Binds the one unknown symbol of each dimension, until nothing new is learnt. Contradictions are left to the caller's check. */
export function bind(pairs: ReadonlyArray<{readonly shape: readonly DimEntry[]; readonly dims: readonly number[]}>, known: Bindings): Record<string, number> {
	const bindings: Record<string, number> = {...known};
	for (let learnt = true; learnt;) {
		learnt = false;
		for (const {shape, dims} of pairs) {
			for (const [axis, dim] of shape.entries()) {
				learnt = (dims[axis] !== undefined && solve(dim, dims[axis], bindings)) || learnt;
			}
		}
	}

	return bindings;
}

function solve(dim: DimEntry, value: number, bindings: Record<string, number>): boolean {
	if (typeof dim === 'number') {
		return false;
	}

	const unknown = Object.keys(dim).filter(symbol => symbol !== '' && bindings[symbol] === undefined);
	const [symbol] = unknown;
	if (symbol === undefined || unknown.length > 1 || dim[symbol] === 0) {
		return false;
	}

	const rest = valueOf({...dim, [symbol]: 0}, {...bindings, [symbol]: 0})!;
	const solution = (value - rest) / dim[symbol]!;
	if (!Number.isInteger(solution) || solution < 0) {
		return false;
	}

	bindings[symbol] = solution;
	return true;
}
