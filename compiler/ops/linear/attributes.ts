/** Readers of attributes with their defaults. A wrong kind of attribute is refused at import, so these only choose. */
import type {Attributes} from '../../graph/graph.js';

export function integer(attributes: Attributes, name: string, fallback: number): number {
	const value = attributes[name];
	return typeof value === 'number' ? value : fallback;
}

export const real = integer;

export const flag = (attributes: Attributes, name: string): boolean => integer(attributes, name, 0) !== 0;

export function text(attributes: Attributes, name: string, fallback: string): string {
	const value = attributes[name];
	return typeof value === 'string' ? value : fallback;
}

export function integers(attributes: Attributes, name: string): readonly number[] | undefined {
	const value = attributes[name];
	return Array.isArray(value) && value.every(element => typeof element === 'number') ? value : undefined;
}

export const reals = integers;

export function texts(attributes: Attributes, name: string): readonly string[] | undefined {
	const value = attributes[name];
	return Array.isArray(value) && value.every(element => typeof element === 'string') ? value : undefined;
}
