/** The same calls in Node, which the browsers are compared with. */
import {load} from '../../runtime-wasm/loader/index.js';

export const prompt = 'Once upon a time';

export type Reference = {readonly text: string; readonly tokens: readonly number[]};

/** 32 tokens of text and `count` greedy tokens, of the plain program. */
export async function speakInNode(bundle: string, count: number): Promise<Reference> {
	const model = await load(bundle, {simd: 'plain'});
	try {
		const pieces = await collect(model.generate(prompt, {maxTokens: 32}));
		return {text: pieces.join(''), tokens: await collect(model.generateTokens(await model.tokenize(prompt), {maxTokens: count}))};
	} finally {
		model.release();
	}
}

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
	const list: T[] = [];
	for await (const value of values) {
		list.push(value);
	}

	return list;
}
