/**
 * Readers of option values, for yargs' `coerce`: what they throw is wrong usage.
 */
import {parseSize} from '../size.js';

/** Options arrive as text; a list means that the user repeated one that takes a single value. */
const once =
	<T>(option: string, read: (text: string) => T) =>
	(value: string | readonly string[]): T => {
		if (typeof value !== 'string') {
			throw new TypeError(`${option} is given more than once`);
		}

		return read(value);
	};

const flag = {type: 'string', requiresArg: true} as const;

/** What help says of a value that is not given. */
export const otherwise = (defaultDescription: string) => ({defaultDescription}) as const;

export const textOption = (option: string, description: string) => ({...flag, description, coerce: once(option, text => text)}) as const;

export const sizeOption = (option: string, description: string) => ({...flag, description, coerce: once(option, text => parseSize(text, option))}) as const;

/** A whole number of at least `least`. */
export const countOption = (option: string, description: string, least = 1) =>
	({...flag, description, coerce: once(option, text => readNumber(option, text, least, /^\d+$/, 'a whole number'))}) as const;

/** 0 to 65535, where 0 is any free one. */
export const portOption = (option: string, description: string) =>
	({
		...flag,
		description,
		coerce: once(option, text => {
			if (!/^\d+$/.test(text) || Number(text) > 65_535) {
				throw new RangeError(`${option}: expected a port from 0 to 65535, found '${text}'`);
			}

			return Number(text);
		}),
	}) as const;

/** A number of at least `least`. */
export const numberOption = (option: string, description: string, least = 0) =>
	({...flag, description, coerce: once(option, text => readNumber(option, text, least, /^\d*\.?\d+$/, 'a number'))}) as const;

function readNumber(option: string, text: string, least: number, form: RegExp, kind: string): number {
	const value = Number(text);
	if (!form.test(text) || !Number.isFinite(value) || value < least) {
		throw new RangeError(`${option}: expected ${kind} of at least ${least}, found '${text}'`);
	}

	return value;
}

/** One of a fixed set, as text that TypeScript knows. */
export const choiceOption = <const Choices extends readonly string[]>(option: string, description: string, choices: Choices) =>
	({
		...flag,
		description: `${description}: ${choices.join(', ')}`,
		coerce: once(option, (text): Choices[number] => {
			const choice = choices.find(item => item === text);
			if (choice === undefined) {
				throw new RangeError(`${option}: expected one of ${choices.join(', ')}, found '${text}'`);
			}

			return choice;
		}),
	}) as const;

/** `a,b` as a list. */
export const listOption = (option: string, description: string) =>
	({
		...flag,
		description,
		coerce: once(option, text => {
			const items = text.split(',').map(item => item.trim());
			if (items.includes('')) {
				throw new RangeError(`${option}: expected names separated by commas, found '${text}'`);
			}

			return items;
		}),
	}) as const;

/** `40MB,60MB` as bytes. */
export const sizesOption = (option: string, description: string) =>
	({...flag, description, coerce: once(option, text => text.split(',').map(size => parseSize(size, option)))}) as const;

/** A repeatable NAME=VALUE as [name, value] pairs. */
export function pairs<T>(option: string, value: readonly string[], read: (text: string, subject: string) => T): Array<[name: string, value: T]> {
	const names = new Set<string>();
	return value.map(text => {
		const at = text.indexOf('=');
		const name = text.slice(0, at);
		if (at < 1 || at === text.length - 1) {
			throw new RangeError(`${option}: expected NAME=VALUE, found '${text}'`);
		}

		if (names.has(name)) {
			throw new RangeError(`${option}: '${name}' is given more than once`);
		}

		names.add(name);
		return [name, read(text.slice(at + 1), `${option} ${name}`)];
	});
}

/** A whole number of at least 1. */
export const readCount = (text: string, subject: string): number => readNumber(subject, text, 1, /^\d+$/, 'a whole number');

/** A dimension: `4`, `1..8` for bounds, or `*` to leave it free. */
export function readDim(text: string, subject: string): number | {readonly min: number; readonly max: number} | '*' {
	if (text === '*') {
		return text;
	}

	const [, low, high] = /^(\d+)(?:\.\.(\d+))?$/.exec(text) ?? [];
	const min = Number(low);
	const max = high === undefined ? min : Number(high);
	if (low === undefined || !Number.isSafeInteger(max) || min > max) {
		throw new RangeError(`${subject}: expected a number (4), bounds (1..8) or *, found '${text}'`);
	}

	return high === undefined ? min : {min, max};
}
