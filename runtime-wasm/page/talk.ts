/** Talking to a language model: a chat where it has a template, else a text that the two write together. */
import type {Message, Model} from '../loader/index.js';
import {answer} from './answer.js';
import type {BundleFacts} from './bundle.js';
import {makeComposer} from './composer.js';
import {button, html, make} from './dom.js';
import * as figures from './figures.js';
import {problemCard, problemOf} from './problem.js';
import type {Readout} from './readout.js';
import type {Settings} from './settings.js';
import {makeTranscript, type Entry} from './transcript.js';

export type Talk = {
	/** Takes a model that was loaded, the first time or anew. */
	ready(model: Model): void;
	/** Ends what is under way; nothing can be sent until the next model. */
	suspend(): void;
};

export type TalkOptions = {
	readonly facts: BundleFacts;
	readonly settings: Settings;
	readonly readout: Readout;
	say(status: string): void;
	/** Loads the model again. */
	reload(): void;
};

const suggestions = {
	chat: ['Why is the sky blue?', 'Write four lines about rain on a roof.', 'What can I cook with eggs and spinach?'],
	text: ['Once upon a time', 'The old house at the end of the lane', 'It was the best of times,'],
} as const;

export function makeTalk({facts, settings, readout, say, reload}: TalkOptions): Talk {
	const chat = facts.kind === 'chat';
	const transcript = makeTranscript(!chat);
	const messages: Message[] = [];
	let model: Model | undefined;
	let running: AbortController | undefined;
	let conversation = 0;
	let clearProblem = (): void => undefined;

	/** What the model reads: the messages, or the text so far. */
	const prompt = (): string | Message[] => (chat ? [...messages] : messages.map(({content}) => content).join(''));

	const respond = async (): Promise<void> => {
		clearProblem();
		const controller = new AbortController();
		running = controller;
		const own = conversation;
		composer.busy(true);
		say('Answering');
		const entry = transcript.add('assistant', '');
		try {
			const outcome = await answer(model!, prompt(), settings.sampling(), {
				signal: controller.signal,
				readout,
				onText: text => {
					entry.append(text);
				},
			});
			if (conversation !== own) {
				return;
			}

			keep(entry);
			const note = noteOf(outcome);
			entry.finish(note);
			say(note === '' ? 'Ready' : note);
		} catch (error) {
			keep(entry);
			entry.finish('');
			fail(error);
		} finally {
			// A model that was loaded meanwhile has its own.
			if (running === controller) {
				running = undefined;
				composer.busy(false);
			}
		}
	};

	/** What came stays part of the conversation; an answer without a word does not. */
	const keep = (entry: Entry): void => {
		if (entry.text === '') {
			entry.remove();
		} else {
			messages.push({role: 'assistant', content: entry.text});
		}
	};

	const fail = (error: unknown): void => {
		const problem = problemOf(error);
		say(problem.title);
		const again = (): void => {
			// The model answers the last message anew.
			if (messages.at(-1)?.role === 'user') {
				void respond();
			} else {
				clearProblem();
				composer.focus();
			}
		};

		const card = problemCard(problem, [
			...(problem.fatal ? [['Load the model again', reload] as const] : problem.full ? [] : [['Try again', again] as const]),
			[chat ? 'New conversation' : 'New text', renew],
		]);
		const remove = transcript.place(card);
		clearProblem = () => {
			remove();
			clearProblem = () => undefined;
		};
		card.querySelector('button')?.focus();
	};

	const send = (text: string): void => {
		if (model === undefined || running !== undefined) {
			return;
		}

		if (text !== '') {
			const content = chat ? text : joined(messages.at(-1)?.content ?? '', text);
			messages.push({role: 'user', content});
			transcript.add('user', content);
		}

		html('welcome').hidden = true;
		composer.setEmpty(chat || messages.length === 0);
		void respond();
	};

	const renew = (): void => {
		running?.abort();
		conversation++;
		messages.length = 0;
		transcript.clear();
		clearProblem = () => undefined;
		model?.reset();
		readout.clear();
		html('welcome').hidden = false;
		composer.setEmpty(true);
		composer.focus();
		say('Ready');
	};

	const composer = makeComposer({
		send,
		stop() {
			running?.abort();
		},
	});

	html('welcome-title').textContent = chat ? 'Ask something' : 'Begin a text';
	html('welcome-text').textContent = chat
		? 'The model runs in this page: nothing you write leaves the device.'
		: 'Write a beginning and the model carries on. Nothing you write leaves the device.';
	html('prompt-label').textContent = chat ? 'Message' : 'Text to continue';
	html('suggestions').replaceChildren(
		...suggestions[chat ? 'chat' : 'text'].map(text =>
			make(
				'li',
				{},
				button(text, '', () => {
					send(text);
				}),
			),
		),
	);
	composer.label(chat ? 'Message' : 'Beginning of a text', chat ? 'Send' : 'Continue');
	const renewButton = html('renew');
	if (!chat) {
		renewButton.ariaLabel = 'New text';
		renewButton.querySelector('.wide')!.textContent = ' text';
	}

	renewButton.addEventListener('click', renew);
	return {
		ready(loaded) {
			model = loaded;
			// Brings in the tokenizer, so that the first answer need not; if it fails, that answer says so.
			loaded.tokenize('').catch(() => undefined);
			renewButton.hidden = false;
			composer.busy(false);
			composer.setEmpty(chat || messages.length === 0);
			// On a touch screen the keyboard would come up.
			if (!matchMedia('(pointer: coarse)').matches) {
				composer.focus();
			}
		},
		suspend() {
			running?.abort();
			running = undefined;
			model = undefined;
			renewButton.hidden = true;
			clearProblem();
		},
	};
}

/** Between two parts of a text stands a space, unless one of them brings it. */
const joined = (before: string, text: string): string => (before === '' || /\s$/.test(before) || /^[\s.,;:!?]/.test(text) ? text : ` ${text}`);

function noteOf({reason, tokens, pace}: Awaited<ReturnType<typeof answer>>): string {
	const speed = pace.overall(tokens ?? pace.pieces);
	const count = tokens === undefined ? '' : `${figures.whole(tokens)} ${tokens === 1 ? 'token' : 'tokens'}`;
	return [
		reason === 'abort' ? 'Stopped' : reason === 'length' ? 'Reached the limit' : '',
		count,
		speed === undefined ? '' : `${figures.rate(speed)} tokens a second`,
	]
		.filter(part => part !== '')
		.join(', ');
}
