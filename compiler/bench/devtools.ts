/**
 * Calls of the DevTools protocol over a pair of pipes (`--remote-debugging-pipe`): JSON messages, a zero byte after each.
 * https://chromedevtools.github.io/devtools-protocol/
 */
import type {Readable, Writable} from 'node:stream';
import {SnugError} from '../error.js';

type Fields = Readonly<Record<string, unknown>>;

export type Devtools = {
	/** A command to the browser, or to the target of a session. Rejects when the browser refuses it or ends. */
	send(method: string, parameters?: Fields, session?: string): Promise<Fields>;
	/** Calls back on each event of this name. */
	on(method: string, listener: (parameters: Fields, session: string | undefined) => void): void;
	/** Rejects what is under way. */
	fail(error: Error): void;
};

type Message = {
	readonly id?: number;
	readonly method?: string;
	readonly params?: Fields;
	readonly sessionId?: string;
	readonly result?: Fields;
	readonly error?: {readonly message: string};
};

export function openDevtools(input: Writable, output: Readable): Devtools {
	const pending = new Map<number, {method: string; resolve(result: Fields): void; reject(error: Error): void}>();
	const listeners = new Map<string, Array<(parameters: Fields, session: string | undefined) => void>>();
	let count = 0;
	let failure: Error | undefined;
	const receive = ({id, method, params, sessionId, result, error}: Message): void => {
		if (id === undefined) {
			for (const listener of listeners.get(method ?? '') ?? []) {
				listener(params ?? {}, sessionId);
			}

			return;
		}

		const call = pending.get(id);
		pending.delete(id);
		if (error) {
			call?.reject(new SnugError('devtools', {subject: `browser command ${call.method}`, problem: error.message}));
		} else {
			call?.resolve(result ?? {});
		}
	};

	let rest: Buffer[] = [];
	output.on('data', (bytes: Buffer) => {
		let from = 0;
		for (let end = bytes.indexOf(0); end >= 0; end = bytes.indexOf(0, from)) {
			const text = Buffer.concat([...rest, bytes.subarray(from, end)]).toString('utf8');
			rest = [];
			from = end + 1;
			receive(JSON.parse(text) as Message);
		}

		if (from < bytes.length) {
			rest.push(bytes.subarray(from));
		}
	});
	const fail = (error: Error): void => {
		failure ??= error;
		for (const {reject} of pending.values()) {
			reject(error);
		}

		pending.clear();
	};

	// A pipe breaks when the browser ends; its exit says why.
	input.on('error', () => undefined);
	output.on('error', () => undefined);
	return {
		async send(method, params = {}, sessionId) {
			return new Promise((resolve, reject) => {
				if (failure) {
					reject(failure);
					return;
				}

				const id = ++count;
				pending.set(id, {method, resolve, reject});
				input.write(`${JSON.stringify({id, method, params, ...(sessionId !== undefined && {sessionId})})}\0`);
			});
		},
		on(method, listener) {
			listeners.set(method, [...(listeners.get(method) ?? []), listener]);
		},
		fail,
	};
}
