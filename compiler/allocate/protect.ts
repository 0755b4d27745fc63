/** Weights that stay nearly what they are, whatever a budget takes from the others. */
import {SnugError} from '../error.js';
import type {Candidates} from './allocate.js';

/** Bits a weight that protected ones have at least: codes of 8 bits lose next to nothing. */
const LEAST_BITS = 8;

/** Names in a message. */
const NAMED = 8;

/** @param patterns Names of weights, in which * stands for any characters. */
export function protect(candidates: Candidates, patterns: readonly string[]): Candidates {
	const tests = patterns.map(pattern => new RegExp(`^${pattern.split('*').map(escape).join('.*')}$`, 'su'));
	for (const [index, pattern] of patterns.entries()) {
		if (!candidates.some(({weight}) => tests[index]!.test(weight.name))) {
			const names = candidates.map(({weight}) => weight.name);
			throw new SnugError('no-such-weight', {
				subject: `--protect '${pattern}'`,
				problem: 'is the name of no weight',
				expected: names.slice(0, NAMED).join(', ') + (names.length > NAMED ? ', …' : ''),
				hint: "'snug inspect' names the weights of a bundle; * stands for any characters",
			});
		}
	}

	return candidates.map(({weight, options}) => {
		if (!tests.some(pattern => pattern.test(weight.name))) {
			return {weight, options};
		}

		const kept = options.filter(({bytes}) => 8 * bytes >= LEAST_BITS * weight.rows * weight.columns);
		if (kept.length === 0) {
			throw new SnugError('cannot-protect', {
				subject: `weight '${weight.name}'`,
				problem: 'cannot be protected',
				expected: `a code of at least ${LEAST_BITS} bits`,
				found: [...new Set(options.map(({codec}) => codec))].join(', '),
				hint: 'give a budget and no --bits, and let --codecs name scalar or dense',
			});
		}

		return {weight, options: kept};
	});
}

const escape = (text: string): string => text.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`);
