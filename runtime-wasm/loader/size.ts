/** Sizes and counts as people write them: bytes, '60MB' (10⁶), '60MiB' (2²⁰). */
import {SnugError} from '../../compiler/error.js';

const units: Readonly<Record<string, number>> = {'': 1, b: 1, kb: 1e3, mb: 1e6, gb: 1e9, kib: 2 ** 10, mib: 2 ** 20, gib: 2 ** 30};

/** Bytes, or null for 'auto'. */
export function parseBudget(budget: number | string): number | null {
	if (budget === 'auto') {
		return null;
	}

	const [, digits, unit] = /^(\d+(?:\.\d+)?) ?([a-z]*)$/i.exec(String(budget).trim()) ?? [];
	const bytes = Number(digits) * (units[unit?.toLowerCase() ?? ''] ?? Number.NaN);
	if (!Number.isFinite(bytes) || bytes <= 0) {
		throw new SnugError('bad-size', {
			subject: 'option budget',
			problem: 'no size',
			expected: "bytes or a text such as '60MB' or '60MiB'",
			found: `'${budget}'`,
		});
	}

	return Math.floor(bytes);
}

/** Threads, or null for 'auto'. */
export function parseThreads(threads: number | 'auto'): number | null {
	if (threads !== 'auto' && !(Number.isInteger(threads) && threads > 0)) {
		throw new SnugError('bad-option', {
			subject: 'option threads',
			problem: 'no count',
			expected: "a whole number of at least 1, or 'auto'",
			found: String(threads),
		});
	}

	return threads === 'auto' ? null : threads;
}

export const formatBytes = (bytes: number): string => (bytes < 1e6 ? `${bytes} bytes` : `${(bytes / 1e6).toFixed(1)} MB (${bytes} bytes)`);
