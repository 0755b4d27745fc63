/** Errors as a person meets them: what happened, the way out, and what can be done here and now. */
import {button, make} from './dom.js';

export type Problem = {
	readonly title: string;
	readonly wayOut: string;
	/** For whoever looks closer. */
	readonly detail: string;
	/** The model is gone: only loading it again helps. */
	readonly fatal: boolean;
	/** The conversation does not fit: a new one helps, a further try does not. */
	readonly full: boolean;
};

type Fields = {readonly code?: string; readonly name?: string; readonly message?: string; readonly detail?: {readonly hint?: string}};

const network = 'Check that the server still runs and that you are connected, then try again.';

const known: Readonly<Record<string, readonly [title: string, wayOut: string]>> = {
	unreachable: ['The model could not be fetched', network],
	stalled: ['The model stopped arriving', network],
	'http-busy': ['The server is busy', 'Try again in a moment.'],
	'http-status': ['A file of the model is not there', 'Check that the whole folder is served, then try again.'],
	'short-file': ['A file of the model is incomplete', 'Compile or upload the folder again.'],
	'long-file': ['A file of the model is not what the manifest says', 'Compile or upload the folder again.'],
	'damaged-file': ['A file of the model is damaged', 'Compile or upload the folder again.'],
	'no-memory': ['This device has no room for the model', 'Close other tabs and try again, or compile the model for a smaller budget.'],
	'budget-too-small': ['The model does not fit the budget', 'Raise the budget, or compile the model for a smaller one.'],
	'no-simd': ['This browser is too old for the model', 'Use a browser from 2023 or later.'],
	'no-relaxed-simd': ['This browser has no relaxed SIMD', 'Choose automatic or plain SIMD in the details.'],
	'bad-program': ['The program of the model cannot be started', 'Compile the model again.'],
	'worker-failed': ['The part of the page that computes has ended', 'Load the model again. If it ends again, close other tabs: it may lack memory.'],
	released: ['The model was unloaded', 'Load it again.'],
	trap: ['The program stopped', 'Try again, or start a new conversation.'],
	'no-tokenizer': ['The bundle has no tokenizer', 'Compile the model with tokenizer.json beside it.'],
};

const fatalCodes: ReadonlySet<string> = new Set(['worker-failed', 'released']);

export function problemOf(error: unknown): Problem {
	const {code = '', name = 'Error', message = String(error), detail} = (error ?? {}) as Fields;
	const outOfMemory = name === 'RangeError' && /memory|allocation/i.test(message);
	const full = code === 'bad-prompt' && /too long/.test(message);
	const [title, wayOut] = full
		? ['The conversation is longer than the model can see', 'Start a new conversation, or shorten the message.']
		: (known[outOfMemory ? 'no-memory' : code] ?? ['Something went wrong', detail?.hint ?? 'Try again. If it happens again, load the model anew.']);
	return {title, wayOut, detail: message, fatal: fatalCodes.has(code), full};
}

/** A card with buttons; the first one is what helps most. */
export function problemCard({title, wayOut, detail}: Problem, actions: ReadonlyArray<readonly [text: string, act: () => void]>): HTMLElement {
	const card = make(
		'div',
		{className: 'problem', role: 'alert'},
		make('h2', {}, title),
		make('p', {}, wayOut),
		make('p', {className: 'detail'}, detail),
		make('div', {className: 'actions'}, ...actions.map(([text, act], index) => button(text, index === 0 ? 'strong' : 'quiet', act))),
	);
	return card;
}
