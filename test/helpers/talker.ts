/** The toy language model with a tokenizer: token n is the word `wn`. */
import {chatter, fileEntry, type Draft} from './tiny-bundle.js';

export const vocabulary = 64;

export const words = (ids: readonly number[]): string => ids.map(id => `w${id}`).join(' ');

export function talker(): Draft {
	const draft = chatter({vocabulary});
	const tokenizer = JSON.stringify({
		version: '1.0',
		truncation: null,
		padding: null,
		added_tokens: [],
		normalizer: null,
		pre_tokenizer: {type: 'WhitespaceSplit'},
		post_processor: null,
		decoder: null,
		model: {type: 'WordLevel', vocab: Object.fromEntries(Array.from({length: vocabulary}, (_, id) => [`w${id}`, id])), unk_token: 'w0'},
	});
	// The runtime of Node brings its own tokenizer module; the bundle's is only named.
	const text = {module: fileEntry(draft.files, 'tokenizer.js', 'export {};'), tokenizer: fileEntry(draft.files, 'tokenizer.json', tokenizer)};
	return {files: draft.files, manifest: {...draft.manifest, text}};
}
