/**
 * The worker: owns the memory, does one call after the other in the order in which they came, and answers by message.
 */
import {SnugError} from '../../compiler/error.js';
import {generate} from './generate.js';
import type {Port as PortOf} from './host-type.js';
import {loadBundle, type Loaded} from './load-bundle.js';
import {fromFailure, toFailure, type Call, type Prompt, type Results, type ToPage, type ToWorker, type PageRequest} from './protocol.js';
import {run} from './run.js';
import {forget} from './session.js';
import type {RemoteFetch} from './source.js';
import {encodePrompt, openTokenizer} from './text-model.js';
import {textStream} from './text.js';
import type {TeamSetup} from './thread-start.js';
import type {Tokenizer} from './tokenizer/tokenizer.js';
import type {GenerateOptions, Progress, Tensor} from './types.js';

type Result = Results[keyof Results];

type Port = PortOf<ToPage, ToWorker>;

export function serve(port: Port): void {
	let queue = Promise.resolve();
	const controllers = new Map<number, AbortController>();
	const requests = createRequests(port);
	const model = openModel(port, requests);
	const handle = async (id: number, call: Call): Promise<void> => {
		const {signal} = controllers.get(id)!;
		try {
			signal.throwIfAborted();
			const result = await model(id, call, signal);
			port.post({kind: 'done', id, result}, call.kind === 'run' ? buffersOf(result as Results['run']) : []);
		} catch (error) {
			port.post({kind: 'failed', id, error: toFailure(error)});
		} finally {
			controllers.delete(id);
		}
	};

	port.listen((message: ToWorker) => {
		switch (message.kind) {
			case 'call': {
				controllers.set(message.id, new AbortController());
				queue = queue.then(async () => handle(message.id, message.call));
				break;
			}

			case 'abort': {
				controllers.get(message.id)?.abort();
				break;
			}

			case 'answer':
			case 'refusal': {
				requests.settle(message);
				break;
			}
		}
	});
	port.post({kind: 'ready'});
}

const buffersOf = (tensors: Readonly<Record<string, Tensor>>): ArrayBuffer[] => [
	...new Set(Object.values(tensors).map(({data}) => data.buffer as ArrayBuffer)),
];

type Settled = Extract<ToWorker, {kind: 'answer' | 'refusal'}>;

type Requests = {
	/** Has the page do something. */
	make(request: PageRequest, signal?: AbortSignal): Promise<ArrayBuffer | null>;
	settle(message: Settled): void;
};

function createRequests(port: Port): Requests {
	const waiting = new Map<number, {resolve(bytes: ArrayBuffer | null): void; reject(error: Error): void}>();
	let count = 0;
	return {
		make: async (request, signal) =>
			new Promise((resolve, reject) => {
				const id = count++;
				waiting.set(id, {resolve, reject});
				signal?.addEventListener('abort', () => {
					reject(signal.reason as Error);
				});
				port.post({kind: 'request', id, request});
			}),
		settle(message) {
			const request = waiting.get(message.id);
			waiting.delete(message.id);
			if (message.kind === 'answer') {
				request?.resolve(message.bytes);
			} else {
				request?.reject(fromFailure(message.error));
			}
		},
	};
}

/** Does one call. What is loaded stays in here. */
function openModel(port: Port, requests: Requests) {
	let loaded: Loaded | undefined;
	let tokenizer: Promise<Tokenizer> | undefined;
	let ownTokenizer: string | null = null;
	const current = (): Loaded => {
		if (loaded === undefined) {
			throw new SnugError('not-loaded', {subject: 'model', problem: 'it was not loaded'});
		}

		return loaded;
	};

	const text = async (): Promise<Tokenizer> => {
		const {session, source} = current();
		tokenizer ??= openTokenizer(session.bundle, source, ownTokenizer).catch((error: unknown) => {
			// A later call may find the network again.
			tokenizer = undefined;
			throw error;
		});
		return tokenizer;
	};

	return async (id: number, call: Call, signal: AbortSignal): Promise<Result> => {
		switch (call.kind) {
			case 'load': {
				ownTokenizer = call.tokenizer;
				const report = paced(progress => {
					port.post({kind: 'progress', progress});
				});
				const fetch: RemoteFetch = async (url, bytes, reload, wanted) =>
					new Uint8Array((await requests.make({kind: 'fetch', url, bytes, reload}, wanted)) as ArrayBuffer);
				const startThreads = async (team: TeamSetup): Promise<void> => {
					await requests.make({kind: 'threads', team}, signal);
				};

				loaded = await loadBundle(call, signal, {fetch: call.remote ? fetch : undefined, startThreads}, report);
				return loaded.session.info;
			}

			case 'run': {
				return run(current().session, call.feeds, call.options, signal);
			}

			case 'generate': {
				const out = gather(pieces => {
					port.post({kind: 'pieces', id, pieces});
				});
				return stream(current(), call.prompt, call.options, {text, signal, emit: out.add}).finally(out.flush);
			}

			case 'tokenize': {
				return encodePrompt(await text(), call.text);
			}

			case 'detokenize': {
				return (await text()).decode(call.ids);
			}

			case 'reset': {
				forget(current().session);
				return null;
			}
		}
	};
}

/** Milliseconds between messages: a screen shows no more, and each wakes the page's thread, which may need the core of another of ours. */
const FRAME = 16;

/** Sends how far loading is once a frame, and its end. */
function paced(send: (progress: Progress) => void): (progress: Progress) => void {
	let sent = -Infinity;
	return progress => {
		if (progress.loaded === progress.total || performance.now() - sent >= FRAME) {
			send(progress);
			sent = performance.now();
		}
	};
}

/** Sends pieces one by one where they are slow, and those of a frame together where they are fast. */
function gather(send: (pieces: Array<string | number>) => void): {add(piece: string | number): void; flush(): void} {
	let held: Array<string | number> = [];
	let sent = -Infinity;
	const flush = (): void => {
		if (held.length > 0) {
			send(held);
			held = [];
			sent = performance.now();
		}
	};

	return {
		add(piece) {
			held.push(piece);
			if (performance.now() - sent >= FRAME) {
				flush();
			}
		},
		flush,
	};
}

type Streaming = {text(): Promise<Tokenizer>; readonly signal: AbortSignal; emit(piece: string | number): void};

/** Generates, and hands out tokens for tokens and text for text. */
async function stream(
	{session}: Loaded,
	prompt: Prompt,
	options: Omit<GenerateOptions, 'signal'>,
	{text, signal, emit}: Streaming,
): Promise<Results['generate']> {
	if ('tokens' in prompt) {
		return generate(session, prompt.tokens, options, signal, token => {
			emit(token);
			return true;
		});
	}

	const tokenizer = await text();
	const tokens = encodePrompt(tokenizer, prompt.text);
	const out = textStream(tokenizer, tokens, [options.stop ?? []].flat());
	const say = (piece: string): void => {
		if (piece !== '') {
			emit(piece);
		}
	};

	const result = await generate(session, tokens, options, signal, token => {
		say(out.push(token));
		return !out.stopped;
	});
	say(out.end());
	return result;
}
