/** Applies the user's choices to the symbols: a fixed value is substituted, a range bounds; `batch` is 1 unless said otherwise. */
import * as dim from '../graph/dim.js';
import type {Dim} from '../graph/dim.js';
import type {SymbolBounds} from '../graph/graph.js';
import {SnugError} from '../error.js';
import type {NamedDims} from './symbols.js';

export type DimOptions = {
	/** By symbol, canonical or as in the file: a value, bounds, or `*` to leave `batch` free. */
	readonly dims?: Readonly<Record<string, number | SymbolBounds | '*'>>;
	/** The largest value of every symbol without bounds of its own; 1,024 unless given. */
	readonly maxSequence?: number;
};

export function applyDims(
	{shapes, aliases}: NamedDims,
	{dims = {}, maxSequence = 1024}: DimOptions,
	subject: string,
): {shapes: Map<string, Dim[]>; symbols: Record<string, SymbolBounds>} {
	const names = new Set([...shapes.values()].flat().flatMap(dim.symbolsOf));
	const chosen = new Map<string, number | SymbolBounds | '*'>(names.has('batch') ? [['batch', 1]] : []);
	for (const [name, choice] of Object.entries(dims)) {
		const canonical = aliases.get(name) ?? name;
		if (!names.has(canonical)) {
			throw new SnugError('unknown-symbol', {
				subject,
				problem: `no input has a dimension '${name}'`,
				expected: [...new Set([...names, ...aliases.keys()])].join(', ') || 'no symbols at all',
				found: name,
			});
		}

		check(name, choice);
		chosen.set(canonical, choice);
	}

	const fixed = Object.fromEntries([...chosen].filter((entry): entry is [string, number] => typeof entry[1] === 'number'));
	const closed = new Map([...shapes].map(([name, shape]) => [name, shape.map(found => dim.substitute(found, fixed))] as const));
	const negative = [...closed].find(([, shape]) => shape.some(found => typeof found === 'number' && found < 0));
	if (negative) {
		throw new SnugError('invalid-dim', {
			subject: `input '${negative[0]}'`,
			problem: 'a dimension becomes negative',
			found: `[${negative[1].map(dim.keyOf).join(', ')}]`,
			hint: 'choose other values for the symbols',
		});
	}

	const free = new Set([...closed.values()].flat().flatMap(dim.symbolsOf));
	const symbols = Object.fromEntries(
		[...free].map(name => {
			const choice = chosen.get(name);
			return [name, typeof choice === 'object' ? {min: choice.min, max: choice.max} : {min: /past/.test(name) ? 0 : 1, max: maxSequence}] as const;
		}),
	);
	return {shapes: closed, symbols};
}

function check(name: string, choice: number | SymbolBounds | '*'): void {
	const values = typeof choice === 'number' ? [choice] : choice === '*' ? [] : [choice.min, choice.max];
	if (values.some(value => !Number.isSafeInteger(value) || value < 0) || (values.length === 2 && values[0]! > values[1]!)) {
		throw new SnugError('invalid-dim', {
			subject: `dimension '${name}'`,
			problem: 'no valid value',
			expected: 'an integer of at least 0, or bounds with min ≤ max',
			found: values.join(' to '),
		});
	}
}
