/** The field that a message is written in, its buttons and its keys. */
import {element} from './dom.js';

export type Composer = {
	busy(yes: boolean): void;
	/** Whether a message must be written before it is sent; a text can also be continued as it stands. */
	setEmpty(needed: boolean): void;
	label(placeholder: string, action: string): void;
	focus(): void;
};

export function makeComposer({send, stop}: {send(text: string): void; stop(): void}): Composer {
	const form = element('composer', HTMLFormElement);
	const field = element('prompt', HTMLTextAreaElement);
	const sendButton = element('send', HTMLButtonElement);
	const stopButton = element('stop', HTMLButtonElement);
	let working = true;
	let needed = true;
	const refresh = (): void => {
		sendButton.hidden = working;
		stopButton.hidden = !working;
		sendButton.disabled = needed && field.value.trim() === '';
		field.style.height = 'auto';
		field.style.height = `${field.scrollHeight}px`;
	};

	const submit = (): void => {
		const text = field.value.trim();
		if (working || (needed && text === '')) {
			return;
		}

		field.value = '';
		refresh();
		send(text);
	};

	form.addEventListener('submit', event => {
		event.preventDefault();
		submit();
	});
	field.addEventListener('input', refresh);
	field.addEventListener('keydown', event => {
		// Enter also ends the composition of a character.
		if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
			event.preventDefault();
			submit();
		}
	});
	stopButton.addEventListener('click', () => {
		stop();
		field.focus();
	});
	document.addEventListener('keydown', event => {
		if (event.key === 'Escape' && working && !event.defaultPrevented) {
			stop();
		}
	});
	return {
		busy(yes) {
			// The button that had the focus goes away.
			const focused = document.activeElement === sendButton || document.activeElement === stopButton;
			working = yes;
			refresh();
			if (focused) {
				field.focus();
			}
		},
		setEmpty(yes) {
			needed = yes;
			refresh();
		},
		label(placeholder, action) {
			field.placeholder = placeholder;
			sendButton.textContent = action;
		},
		focus() {
			field.focus();
		},
	};
}
