/**
 * The two lists that the conformance suite keeps under version control: the cases that pass, each with the inputs that have to be known
 * at compile time, and a table of what is skipped and why.
 */
import {readFileSync, writeFileSync} from 'node:fs';
import {SnugError} from '../../compiler/error.js';
import type {PreparedCase, RefusedCase} from './conformance-case.js';

const passingFile = new URL('../conformance-passing.txt', import.meta.url);
const skippedFile = new URL('../conformance-skipped.txt', import.meta.url);

/** Names of cases with their constant inputs. */
export type Passing = ReadonlyMap<string, readonly string[]>;

export const readPassing = (): Passing =>
	new Map(
		readFileSync(passingFile, 'utf8')
			.split('\n')
			.filter(line => line !== '')
			.map(line => {
				const [name, constants] = line.split(': ');
				return [name!, constants?.split(', ') ?? []] as const;
			}),
	);

export function writePassing(passing: Passing): void {
	const sorted = [...passing].sort(([a], [b]) => (a < b ? -1 : 1));
	const lines = sorted.map(([name, constants]) => (constants.length > 0 ? `${name}: ${constants.join(', ')}` : name));
	writeFileSync(passingFile, `${lines.join('\n')}\n`);
}

export const passingOf = (cases: readonly PreparedCase[]): Passing => new Map(cases.map(({name, constants}) => [name, constants] as const));

/** A row a reason, most cases first: how many, why, and one of them. */
export function tableOfSkipped(refused: readonly RefusedCase[]): string {
	const byReason = new Map<string, string[]>();
	for (const {name, error} of refused) {
		const reason = reasonOf(error);
		byReason.set(reason, [...(byReason.get(reason) ?? []), name]);
	}

	const rows = [...byReason].sort(([a, x], [b, y]) => y.length - x.length || (a < b ? -1 : 1));
	return rows.map(([reason, names]) => `${String(names.length).padStart(4)}  ${reason} (${names[0]!})\n`).join('');
}

export const readSkipped = (): string => readFileSync(skippedFile, 'utf8');

export const writeSkipped = (table: string): void => {
	writeFileSync(skippedFile, table);
};

/** Values are left out of the reason, so that cases with the same one meet in a row. */
function reasonOf(error: Error): string {
	if (!(error instanceof SnugError)) {
		throw error;
	}

	const {code, detail} = error;
	const op = detail.subject.split(' ')[0]!;
	switch (code) {
		case 'unknown-op': {
			return `${op}: not implemented`;
		}

		case 'unsupported-type':
		case 'unsupported-data-type': {
			return `inputs or outputs: ${detail.found!}`;
		}

		default: {
			return `${op}: ${detail.problem}`;
		}
	}
}
