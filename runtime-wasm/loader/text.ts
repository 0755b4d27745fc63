/**
 * Turns tokens into text as they come. A token may end inside a character, and a decoder may treat the first token of a text
 * differently, so a window of tokens is decoded again and what is new and certain is handed out. Looks for stop strings on the way.
 */
import type {Tokenizer} from './tokenizer/tokenizer.js';

export type TextStream = {
	/** The text that has become certain. */
	push(token: number): string;
	/** What is left when no token follows. */
	end(): string;
	/** Whether a stop string was met; nothing follows it. */
	readonly stopped: boolean;
};

/** Tokens before the first, for decoders that look at their neighbours. */
const context = 4;

/** A character has at most four bytes, so more undecodable tokens than these are no beginning of one. */
const patience = 4;

export function textStream(tokenizer: Pick<Tokenizer, 'decode'>, prompt: readonly number[], stops: readonly string[]): TextStream {
	let window = prompt.slice(-context);
	/** Text of the tokens that were handed out already, within the window. */
	let before = tokenizer.decode(window);
	let undecoded = 0;
	const filter = stopFilter(stops.filter(stop => stop.length > 0));
	const advance = (force: boolean): string => {
		const now = tokenizer.decode(window);
		if (!force && now.endsWith('\uFFFD')) {
			return '';
		}

		const fresh = now.slice(commonLength(now, before));
		window = window.slice(-context);
		before = tokenizer.decode(window);
		undecoded = 0;
		return fresh;
	};

	return {
		push(token) {
			window.push(token);
			undecoded++;
			return filter.push(advance(undecoded > patience));
		},
		end() {
			return filter.push(undecoded > 0 ? advance(true) : '') + filter.end();
		},
		get stopped() {
			return filter.stopped;
		},
	};
}

function commonLength(a: string, b: string): number {
	let length = 0;
	while (length < Math.min(a.length, b.length) && a[length] === b[length]) {
		length++;
	}

	return length;
}

/** Lets text through up to the first stop string, and holds back what may become one. */
function stopFilter(stops: readonly string[]) {
	let held = '';
	let stopped = false;
	return {
		push(fresh: string): string {
			if (stopped) {
				return '';
			}

			held += fresh;
			const found = stops.map(stop => held.indexOf(stop)).filter(at => at >= 0);
			if (found.length > 0) {
				stopped = true;
				const rest = held.slice(0, Math.min(...found));
				held = '';
				return rest;
			}

			const keep = Math.max(0, ...stops.map(stop => overlap(held, stop)));
			const certain = held.slice(0, held.length - keep);
			held = held.slice(held.length - keep);
			return certain;
		},
		end(): string {
			const rest = held;
			held = '';
			return rest;
		},
		get stopped() {
			return stopped;
		},
	};
}

/** Length of the longest end of `text` that begins `stop`. */
function overlap(text: string, stop: string): number {
	for (let length = Math.min(text.length, stop.length - 1); length > 0; length--) {
		if (stop.startsWith(text.slice(text.length - length))) {
			return length;
		}
	}

	return 0;
}
