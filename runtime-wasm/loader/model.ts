/** The page's side of a model: calls go to the worker, which does them in order; generations come back as they are made. */
import {SnugError} from '../../compiler/error.js';
import type {Connection} from './connection.js';
import type {Prompt} from './protocol.js';
import type {Feed, FinishReason, GenerateOptions, Info, Message, Model, Usage} from './types.js';

export function makeModel(connection: Connection, info: Info): Model {
	let finishReason: FinishReason | null = null;
	let usage: Usage | null = null;

	async function* stream<T extends string | number>(prompt: Prompt, {signal, ...options}: GenerateOptions): AsyncGenerator<T, void, void> {
		finishReason = null;
		usage = null;
		// Leaving the loop early is an abort of the caller's making.
		const left = new AbortController();
		const leave = (): void => {
			left.abort();
		};

		signal?.addEventListener('abort', leave);
		if (signal?.aborted) {
			leave();
		}

		const pieces: T[] = [];
		let wake = (): void => undefined;
		const state: {ended: boolean} = {ended: false};
		const failures: unknown[] = [];
		const watch = connection
			.call(
				{kind: 'generate', prompt, options},
				{
					signal: left.signal,
					onPieces(fresh) {
						pieces.push(...(fresh as readonly T[]));
						wake();
					},
				},
			)
			.then(
				result => {
					finishReason = result.reason;
					usage = result.usage;
				},
				(error: unknown) => {
					if (left.signal.aborted) {
						finishReason = 'abort';
						pieces.length = 0;
					} else {
						failures.push(error);
					}
				},
			)
			.finally(() => {
				state.ended = true;
				wake();
			});
		try {
			for (;;) {
				// Nothing comes after an abort, though a message may have brought more.
				while (pieces.length > 0 && !left.signal.aborted) {
					yield pieces.shift()!;
				}

				if (state.ended) {
					break;
				}

				await new Promise<void>(resolve => {
					wake = resolve;
				});
			}

			if (failures.length > 0) {
				throw failures[0];
			}
		} finally {
			signal?.removeEventListener('abort', leave);
			leave();
			await watch;
		}
	}

	const checkList = (value: unknown, subject: string, expected: string): void => {
		if (!Array.isArray(value)) {
			throw new SnugError('bad-prompt', {subject, problem: 'wrong kind of value', expected, found: value === null ? 'null' : typeof value});
		}
	};

	return {
		info,
		get finishReason() {
			return finishReason;
		},
		get usage() {
			return usage;
		},
		async run(feeds, {signal, ...options} = {}) {
			return connection.call({kind: 'run', feeds: plain(feeds), options}, {signal});
		},
		generate(prompt: string | readonly Message[], options: GenerateOptions = {}) {
			if (typeof prompt !== 'string') {
				checkList(prompt, 'prompt', 'a text or a list of messages');
			}

			return stream<string>({text: prompt}, options);
		},
		generateTokens(ids, options = {}) {
			const tokens = Array.from(ids, Number);
			return stream<number>({tokens}, options);
		},
		async tokenize(text) {
			return connection.call({kind: 'tokenize', text});
		},
		async detokenize(ids) {
			return connection.call({kind: 'detokenize', ids: Array.from(ids, Number)});
		},
		reset() {
			// An error, such as a released model, comes out of the next call.
			connection.call({kind: 'reset'}).catch(() => undefined);
		},
		release() {
			connection.close(new SnugError('released', {subject: 'model', problem: 'it was released', hint: 'load it again'}));
		},
	};
}

/** Tensors of other libraries have accessors, which do not cross threads. */
const plain = (feeds: Readonly<Record<string, Feed | null>>): Record<string, Feed> =>
	Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, {type: feed?.type, data: feed?.data, dims: feed?.dims} as Feed]));
