/**
 * Readers of untrusted JSON: each takes a value and its path, and returns it typed or raises an error that names the path.
 */
import {SnugError} from '../../compiler/error.js';

export function refuse(path: string, problem: string, sides: {expected?: string; found?: string; hint?: string} = {}): never {
	throw new SnugError('bad-manifest', {subject: path === '' ? 'manifest.json' : `manifest.json: ${path}`, problem, ...sides});
}

const describe = (value: unknown): string => {
	const text = value === undefined ? 'nothing' : JSON.stringify(value);
	return text.length > 80 ? `${text.slice(0, 77)}…` : text;
};

const wrong = (path: string, expected: string, value: unknown): never => refuse(path, 'wrong value', {expected, found: describe(value)});

export type Fields = Readonly<Record<string, unknown>>;

export const fields = (value: unknown, path: string): Fields =>
	typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : wrong(path, 'an object', value);

export const list = (value: unknown, path: string): readonly unknown[] => (Array.isArray(value) ? value : wrong(path, 'a list', value));

export const text = (value: unknown, path: string): string => (typeof value === 'string' ? value : wrong(path, 'a text', value));

export const number = (value: unknown, path: string): number => (typeof value === 'number' && Number.isFinite(value) ? value : wrong(path, 'a number', value));

export const integer = (value: unknown, path: string, min: number, max: number): number =>
	typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max ? value : wrong(path, `an integer from ${min} to ${max}`, value);

export const oneOf = <T extends string>(value: unknown, path: string, values: readonly T[]): T =>
	values.find(candidate => candidate === value) ?? wrong(path, `one of ${values.join(', ')}`, value);

/** A key of a record: nothing that objects have from their prototype. */
export const name = (value: unknown, path: string): string => {
	const key = text(value, path);
	return key.length > 0 && key.length <= 1000 && !(key in {}) ? key : wrong(path, 'a name', value);
};

/** A record under a path, entry by entry. */
export const entries = (value: unknown, path: string): ReadonlyArray<readonly [string, unknown]> =>
	Object.entries(fields(value, path)).map(([key, entry]) => [name(key, path), entry]);

/** Maps a list, with the path of each item. */
export const each = <T>(value: unknown, path: string, read: (item: unknown, path: string) => T): T[] =>
	list(value, path).map((item, index) => read(item, `${path}[${index}]`));
