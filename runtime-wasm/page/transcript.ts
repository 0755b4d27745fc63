/** The messages on the page. A chat has bubbles; a text that is continued flows, the user's parts set apart. */
import {html, make} from './dom.js';

export type Role = 'user' | 'assistant';

export type Entry = {
	append(text: string): void;
	/** Ends the answer: `note` says how it went. */
	finish(note: string): void;
	readonly text: string;
	remove(): void;
};

export type Transcript = {
	add(role: Role, text: string): Entry;
	/** A node among the messages, such as a problem; gives what removes it. */
	place(node: HTMLElement): () => void;
	clear(): void;
};

/** Nearer to the end than this many pixels, the view follows what comes. */
const near = 80;

export function makeTranscript(flowing: boolean): Transcript {
	const log = html('log');
	const scroll = html('scroll');
	log.replaceChildren();
	log.classList.toggle('flowing', flowing);
	const following = (change: () => void): void => {
		const follow = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < near;
		change();
		if (follow) {
			scroll.scrollTop = scroll.scrollHeight;
		}
	};

	return {
		add(role, text) {
			const body = document.createTextNode(text);
			const shown = make('span', {className: 'text'}, body);
			const who = role === 'user' ? 'You' : 'Model';
			const item = make('li', {className: `message ${role === 'user' ? 'user' : 'model busy'}`}, make('span', {className: 'hidden'}, `${who}: `), shown);
			// Until an answer is whole, a screen reader would read its pieces.
			item.setAttribute('aria-busy', String(role === 'assistant'));
			log.append(item);
			scroll.scrollTop = scroll.scrollHeight;
			return {
				append(piece) {
					following(() => {
						body.appendData(piece);
					});
				},
				finish(note) {
					following(() => {
						item.classList.remove('busy');
						item.setAttribute('aria-busy', 'false');
						if (note !== '') {
							item.append(make('p', {className: 'note figures'}, note));
						}
					});
				},
				get text() {
					return body.data;
				},
				remove() {
					item.remove();
				},
			};
		},
		place(node) {
			const item = make('li', {}, node);
			log.append(item);
			scroll.scrollTop = scroll.scrollHeight;
			return () => {
				item.remove();
			};
		},
		clear() {
			log.replaceChildren();
		},
	};
}
