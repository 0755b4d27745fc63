/**
 * The tokenizer module of a bundle: `tokenizer.json` by @huggingface/tokenizers, chat templates by @huggingface/jinja. Built to one
 * file that the loader imports; errors are plain, since the module shares nothing with the loader.
 */
import {Template} from '@huggingface/jinja';
import * as tokenizers from '@huggingface/tokenizers';
import type {Tokenizer, TokenizerFiles} from './tokenizer.js';

/** The package's own declarations do not resolve as ES modules; this is what is used of them. */
type Library = {
	readonly Tokenizer: new (
		tokenizer: object,
		config: object,
	) => {
		encode(text: string, options: {readonly add_special_tokens: boolean}): {readonly ids: number[]};
		decode(ids: number[], options: {readonly skip_special_tokens: boolean}): string;
	};
};

const {Tokenizer: HuggingFaceTokenizer} = tokenizers as unknown as Library;

type Config = Readonly<Record<string, unknown>>;

export function createTokenizer({tokenizer: json, config: configJson, template}: TokenizerFiles): Tokenizer {
	const config = JSON.parse(configJson ?? '{}') as Config;
	const tokenizer = new HuggingFaceTokenizer(JSON.parse(json) as object, config);
	const source = template ?? templateOf(config);
	const parsed = source === undefined ? undefined : new Template(source);
	return {
		encode: (text, {special = true} = {}) => tokenizer.encode(text, {add_special_tokens: special}).ids,
		decode: ids => tokenizer.decode([...ids], {skip_special_tokens: true}),
		...(parsed && {template: messages => parsed.render({...specialTokens(config), messages, add_generation_prompt: true})}),
	};
}

/** `chat_template` is a text, or a list of named ones of which `default` is for plain chats. */
function templateOf({chat_template: template}: Config): string | undefined {
	if (typeof template === 'string') {
		return template;
	}

	return Array.isArray(template) ? (template as ReadonlyArray<{name: string; template: string}>).find(({name}) => name === 'default')?.template : undefined;
}

/** `bos_token` and its like, which templates write; a text or an added token. */
const specialTokens = (config: Config): Record<string, string> =>
	Object.fromEntries(
		Object.entries(config).flatMap(([key, value]) => {
			const text = typeof value === 'object' && value !== null && 'content' in value ? value.content : value;
			return key.endsWith('_token') && typeof text === 'string' ? [[key, text]] : [];
		}),
	);
