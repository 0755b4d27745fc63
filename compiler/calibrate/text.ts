/** A text as windows of token ids: a file's, or the sample that comes with Snug, pages of five books that are in the public domain. */
import {readFileSync} from 'node:fs';
import path from 'node:path';
import type {TextSource} from '../bundle/text.js';
import {SnugError} from '../error.js';
import {windowStarts} from '../evaluate.js';
import {createTokenizer} from '../../runtime-wasm/loader/tokenizer/index.js';
import type {Tokenizer} from '../../runtime-wasm/loader/tokenizer/tokenizer.js';

export type TextOptions = {
	/** Tokens of a window, and how many there are at most. */
	readonly context: number;
	readonly windows: number;
	/** Whether each window is a text of its own, with the tokens that the tokenizer puts around one. */
	readonly framed?: boolean;
};

/** Names the sample. */
export const SAMPLE = 'sample';

/** Fewer would be taken for what every text is like. */
export const LEAST_TOKENS = 256;

/** @param file Of a text, or SAMPLE. */
export function readWindows(file: string, text: TextSource | undefined, {context, windows, framed = false}: TextOptions): number[][] {
	if (!text) {
		throw new SnugError('no-tokenizer', {
			subject: `calibration text '${file}'`,
			problem: 'cannot be read as tokens',
			expected: 'a tokenizer.json beside the model',
			hint: 'put the tokenizer there, or compile with --calibration none',
		});
	}

	const tokenizer = openTokenizer(text);
	const ids = tokenizer.encode(file === SAMPLE ? readSample() : readText(file), {special: false});
	if (ids.length < LEAST_TOKENS) {
		throw new SnugError('text-too-short', {
			subject: `calibration text '${file}'`,
			problem: 'says too little about the inputs of the model',
			expected: `at least ${LEAST_TOKENS} tokens, better some ten thousand`,
			found: `${ids.length} tokens`,
			hint: `give a longer text, or --calibration ${SAMPLE}`,
		});
	}

	const frame = framed ? frameOf(tokenizer) : noFrame;
	// Where it leaves no room for a text there is none.
	const [before, behind] = frame.flat().length < context ? frame : noFrame;
	const length = Math.min(context - before.length - behind.length, ids.length);
	return windowStarts(ids.length, length, windows).map(start => [...before, ...ids.slice(start, start + length), ...behind]);
}

/** The tokenizer that lies beside a model. */
export function openTokenizer({directory, tokenizer, config}: TextSource): Tokenizer {
	const read = (name: string): string => readFileSync(path.join(directory, name), 'utf8');
	return createTokenizer({tokenizer: read(tokenizer), ...(config === undefined ? {} : {config: read(config)})});
}

type Frame = readonly [before: readonly number[], behind: readonly number[]];

const noFrame: Frame = [[], []];

/** What the tokenizer puts in front of a text, and behind it. */
function frameOf(tokenizer: Tokenizer): Frame {
	const bare = tokenizer.encode('a', {special: false});
	const whole = tokenizer.encode('a');
	const start = whole.findIndex((_, at) => bare.every((id, index) => whole[at + index] === id));
	return start < 0 ? noFrame : [whole.slice(0, start), whole.slice(start + bare.length)];
}

function readSample(): string {
	const books = JSON.parse(readFileSync(new URL('sample.json', import.meta.url), 'utf8')) as ReadonlyArray<{readonly paragraphs: readonly string[]}>;
	return books.flatMap(({paragraphs}) => paragraphs).join('\n\n');
}

/** Line ends are read as \n, as evaluation reads them. */
function readText(file: string): string {
	try {
		const text = readFileSync(file, 'utf8').replace(/\r\n?/g, '\n');
		if (text.trim() === '') {
			throw new Error('it is empty');
		}

		return text;
	} catch (error) {
		throw new SnugError(
			'no-calibration-text',
			{subject: `calibration text '${file}'`, problem: 'cannot be used', found: (error as Error).message, hint: 'name a text file with --calibration'},
			{cause: error},
		);
	}
}
