/** What the loader expects of a bundle's tokenizer module. */
import type {Message} from '../types.js';

export type Tokenizer = {
	/** `special` adds the tokens that the model wants around a text, such as the one that begins it; true unless said otherwise. */
	encode(text: string, options?: {readonly special?: boolean}): number[];
	/** Without special tokens. */
	decode(ids: readonly number[]): string;
	/** The text of a chat, ending where the assistant answers; absent when the model has no template. */
	readonly template?: (messages: readonly Message[]) => string;
};

/** The texts of the files beside the model. */
export type TokenizerFiles = {readonly tokenizer: string; readonly config?: string; readonly template?: string};

export type TokenizerModule = {createTokenizer(files: TokenizerFiles): Tokenizer};
