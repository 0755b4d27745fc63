/** What the golden bundle answers: the tokens that it continues with, and logits on the way there. */
import type {Model} from '../../runtime-wasm/loader/index.js';

export const prompt = [3, 14, 15, 92, 65, 35, 89, 79, 32, 38, 46, 26];

export const maxTokens = 40;

export type Answer = {
	readonly prompt: readonly number[];
	/** The greedy continuation. */
	readonly tokens: readonly number[];
	/** Of the prompt's last position. */
	readonly prefill: readonly number[];
	/** Of the next position, made by a step on the cache. */
	readonly decode: readonly number[];
};

export async function answer(model: Model): Promise<Answer> {
	const tokens: number[] = [];
	for await (const token of model.generateTokens(prompt, {maxTokens, temperature: 0})) {
		tokens.push(token);
	}

	model.reset();
	const run = async (ids: readonly number[], past: number): Promise<number[]> => {
		const feed = (values: readonly number[]) => ({type: 'int64' as const, data: BigInt64Array.from(values, BigInt), dims: [1, values.length]});
		const {logits} = await model.run({input_ids: feed(ids), position_ids: feed(ids.map((_, index) => past + index))}, {continue: past > 0, logits: 'last'});
		return [...(logits!.data as Float32Array)];
	};

	const prefill = await run(prompt, 0);
	return {prompt, tokens, prefill, decode: await run(tokens.slice(0, 1), prompt.length)};
}
