/** What a bundle offers, read from its manifest: a chat, a text to continue, embeddings of text, or arrays. */
import type {Manifest} from '../../compiler/bundle/format.js';
import {SnugError} from '../../compiler/error.js';

export type Kind = 'chat' | 'text' | 'embedding' | 'arrays';

export type BundleFacts = {
	readonly name: string;
	readonly kind: Kind;
	/** Positions that a conversation may have; Infinity where the model does not say. */
	readonly positions: number;
	/** What the model's makers advise; else what suits a small model that is talked to. */
	readonly sampling: {readonly temperature: number; readonly topP: number};
	readonly manifest: Manifest;
};

export const folder = new URL('model/', document.baseURI);

export async function readBundle(signal: AbortSignal): Promise<BundleFacts> {
	const manifest = (await read('manifest.json', signal)) as Manifest;
	const {generation, text, positions, symbols, name} = manifest;
	return {
		name,
		manifest,
		kind: generation === undefined || text === undefined ? otherKind(manifest) : (await hasTemplate(text, signal)) ? 'chat' : 'text',
		positions: positions > 0 ? positions : (symbols['sequence']?.max ?? Infinity),
		sampling: {temperature: generation?.defaults['temperature'] ?? 0.7, topP: generation?.defaults['topP'] ?? 0.9},
	};
}

/** Tokens in, one float vector for each out. */
const otherKind = ({text, inputs, outputs, generation}: Manifest): Kind =>
	generation === undefined &&
	text !== undefined &&
	inputs.some(({fill, shape}) => fill === 'tokens' && shape.length === 2) &&
	outputs.some(({dtype, shape}) => dtype === 'float32' && (shape.length === 2 || shape.length === 3))
		? 'embedding'
		: 'arrays';

/** In a file of its own, or in the tokenizer's configuration. */
async function hasTemplate({template, config}: NonNullable<Manifest['text']>, signal: AbortSignal): Promise<boolean> {
	return template !== undefined || (config !== undefined && 'chat_template' in ((await read(config.file, signal)) as object));
}

async function read(file: string, signal: AbortSignal): Promise<unknown> {
	const url = new URL(file, folder);
	let response;
	try {
		response = await fetch(url, {signal, cache: 'no-cache'});
	} catch (error) {
		signal.throwIfAborted();
		throw new SnugError('unreachable', {subject: url.href, problem: 'cannot be fetched', hint: "check that 'snug serve' still runs"}, {cause: error});
	}

	if (!response.ok) {
		throw new SnugError('http-status', {
			subject: url.href,
			problem: 'the server refuses it',
			expected: 'status 200',
			found: String(response.status),
			hint: 'name the folder that compile wrote',
		});
	}

	return response.json();
}
