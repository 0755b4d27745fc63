/**
 * Sizes in bytes as people write them: `60MB` (10⁶), `64MiB` (2²⁰), `1.5GB`, or a plain number of bytes.
 *
 * Every option and profile field that holds a size goes through here, so that all of them accept the same spellings and fail alike.
 */
import {SnugError} from './error.js';

const units: Readonly<Record<string, number>> = {
	'': 1,
	b: 1,
	kb: 1e3,
	mb: 1e6,
	gb: 1e9,
	kib: 2 ** 10,
	mib: 2 ** 20,
	gib: 2 ** 30,
};

/** @param subject What the size is for, as a message names it: "--budget", "profile 'phone': tabBytes". */
export function parseSize(size: string | number, subject = 'size'): number {
	const bytes = typeof size === 'number' ? size : read(size);
	if (bytes === undefined || !Number.isFinite(bytes) || Math.round(bytes) < 1 || Math.round(bytes) > Number.MAX_SAFE_INTEGER) {
		throw new SnugError('invalid-size', {
			subject,
			problem: 'is no size',
			expected: 'a positive number with B, kB, MB, GB, KiB, MiB, GiB or no unit (bytes)',
			found: typeof size === 'number' ? String(size) : `'${size}'`,
			hint: 'write for example 60MB, 64MiB, 1.5GB or 60000000',
		});
	}

	return Math.round(bytes);
}

function read(text: string): number | undefined {
	const [, digits, unit] = /^\s*(\d+(?:\.\d+)?|\.\d+)\s*([a-z]*)\s*$/i.exec(text) ?? [];
	const factor = units[(unit ?? '').toLowerCase()];
	return digits === undefined || factor === undefined ? undefined : Number(digits) * factor;
}

/** Three significant digits in decimal units, as `parseSize` reads them: 12.3 MB. */
export function formatSize(bytes: number): string {
	let value = bytes;
	let unit = 'B';
	for (const next of ['kB', 'MB', 'GB', 'TB']) {
		// 999.5 would round to four digits.
		if (Math.abs(value) < 999.5) {
			break;
		}

		value /= 1000;
		unit = next;
	}

	return `${unit === 'B' ? Math.round(value) : Number(value.toPrecision(3))} ${unit}`;
}
