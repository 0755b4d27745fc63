/** Dimensions as the manifest and the loader have them. */
import {fold, type Dim} from '../graph/dim.js';
import type {DimEntry} from './format.js';

/** Sums of symbols; a product or quotient of symbols in a port's shape has no entry. */
export function dimEntry(dim: Dim): DimEntry {
	const linear = fold<Record<string, number>>(dim, {
		number: value => ({'': value}),
		symbol: name => ({[name]: 1}),
		binary(kind, left, right) {
			const scale =
				kind === 'multiply'
					? Object.keys(right).every(key => key === '')
						? {by: right[''] ?? 0, of: left}
						: Object.keys(left).every(key => key === '')
							? {by: left[''] ?? 0, of: right}
							: undefined
					: undefined;
			if (scale) {
				return Object.fromEntries(Object.entries(scale.of).map(([key, value]) => [key, value * scale.by]));
			}

			if (kind !== 'add') {
				throw new Error(`a port has the dimension ${typeof dim === 'number' ? dim : dim.key}, which is no sum of symbols`);
			}

			return Object.fromEntries([...new Set([...Object.keys(left), ...Object.keys(right)])].map(key => [key, (left[key] ?? 0) + (right[key] ?? 0)]));
		},
	});
	return typeof dim === 'number' ? dim : linear;
}
