/** The text side of a loaded model: brings in the bundle's tokenizer when text is asked for, and makes prompts of texts and chats. */
import {SnugError} from '../../compiler/error.js';
import {host} from './host.js';
import type {Bundle} from './manifest.js';
import type {Source} from './source.js';
import type {Tokenizer, TokenizerModule} from './tokenizer/tokenizer.js';
import type {Message} from './types.js';

/** `own` is the address of the tokenizer module that came with the loader; code of the bundle is run only where there is none. */
export async function openTokenizer({text, name}: Bundle, source: Source, own: string | null): Promise<Tokenizer> {
	if (text === undefined) {
		throw new SnugError('no-tokenizer', {
			subject: `model '${name}'`,
			problem: 'the bundle has no tokenizer',
			hint: 'use generateTokens(), or compile with tokenizer.json beside the model',
		});
	}

	const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
	const [tokenizer, config, template] = await Promise.all(
		[text.tokenizer, text.config, text.template].map(async file => (file ? decode(await source.read(file)) : undefined)),
	);
	const module = await importTokenizer(text, source, own);
	try {
		return module.createTokenizer({tokenizer: tokenizer!, ...(config === undefined ? {} : {config}), ...(template === undefined ? {} : {template})});
	} catch (error) {
		throw new SnugError(
			'bad-tokenizer',
			{
				subject: source.urlOf(text.tokenizer).href,
				problem: `cannot be used (${error instanceof Error ? error.message : String(error)})`,
				hint: 'use generateTokens() with tokens of your own',
			},
			{cause: error},
		);
	}
}

async function importTokenizer({module}: NonNullable<Bundle['text']>, source: Source, own: string | null): Promise<TokenizerModule> {
	if (own !== null) {
		return (await import(/* webpackIgnore: true */ /* @vite-ignore */ own)) as TokenizerModule;
	}

	const url = source.urlOf(module);
	if (host.name === 'node' && url.protocol !== 'file:') {
		throw new SnugError('remote-code', {
			subject: url.href,
			problem: 'in Node, code is not run from the network',
			hint: "load the model with 'snug/runtime', which brings its own tokenizer, or copy the bundle",
		});
	}

	return (await host.importModule(await source.read(module), url)) as TokenizerModule;
}

export function encodePrompt(tokenizer: Tokenizer, prompt: string | readonly Message[]): number[] {
	if (typeof prompt === 'string') {
		return tokenizer.encode(prompt);
	}

	if (!tokenizer.template) {
		throw new SnugError('no-template', {subject: 'messages', problem: 'the model has no chat template', hint: 'give a text instead'});
	}

	let text: string;
	try {
		text = tokenizer.template(prompt);
	} catch (error) {
		throw new SnugError(
			'bad-messages',
			{subject: 'messages', problem: `the chat template refuses them (${error instanceof Error ? error.message : String(error)})`},
			{cause: error},
		);
	}

	return tokenizer.encode(text, {special: false});
}
