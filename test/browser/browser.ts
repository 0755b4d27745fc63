/** What the tests ask of a browser, whichever it is and whatever protocol drives it. */
import {existsSync} from 'node:fs';
import type {Calls} from './page.js';

export type Page = {
	open(url: string): Promise<void>;
	/** Makes a call of `page.ts`. */
	call<K extends keyof Calls>(name: K, ...argument: Parameters<Calls[K]>): Promise<Awaited<ReturnType<Calls[K]>>>;
	close(): Promise<void>;
};

export type Browser = {
	newPage(): Promise<Page>;
	close(): Promise<void>;
};

/** The first of the files that is on this machine. */
export const findFile = (...files: readonly string[]): string | undefined => files.find(file => existsSync(file));

/** A call as an expression, for protocols that take text. */
export const expressionOf = (name: keyof Calls, argument: readonly unknown[]): string =>
	`calls.${name}(${argument.map(value => JSON.stringify(value)).join()})`;
