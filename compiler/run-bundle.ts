/**
 * Runs a bundle for the command line, through the same loader that pages use: a prompt that is continued, or arrays from files.
 */
import {readFile, writeFile} from 'node:fs/promises';
import path from 'node:path';
import {performance} from 'node:perf_hooks';
import {load} from 'snug/runtime';
import type {Model} from 'snug/runtime';
import {readNpy, writeNpz} from './numpy.js';

export type RunOptions = {
	readonly budget?: number | undefined;
	readonly threads?: number | undefined;
	readonly signal?: AbortSignal;
	onProgress?(stage: string, done: number, total: number): void;
};

export type TextOptions = RunOptions & {
	readonly maxTokens?: number | undefined;
	readonly temperature?: number | undefined;
	readonly seed?: number | undefined;
	/** Receives the text as it comes, without the prompt. */
	onText(text: string): void;
};

export type TextResult = {
	/** What the model wrote, without the prompt. */
	readonly text: string;
	readonly tokens: number;
	readonly promptTokens: number;
	/** Seconds from the call to the first text. */
	readonly timeToFirstToken: number;
	/** After the first text; 0 when nothing came after it. */
	readonly tokensPerSecond: number;
	readonly memory: number;
};

export async function runText(directory: string, prompt: string, options: TextOptions): Promise<TextResult> {
	const {maxTokens, temperature, seed, signal, onText} = options;
	return withModel(directory, options, async model => {
		const began = performance.now();
		let first: number | undefined;
		let text = '';
		const generation = {
			...(maxTokens !== undefined && {maxTokens}),
			...(temperature !== undefined && {temperature}),
			...(seed !== undefined && {seed}),
			...(signal && {signal}),
		};
		for await (const piece of model.generate(prompt, generation)) {
			first ??= performance.now();
			text += piece;
			onText(piece);
		}

		signal?.throwIfAborted();
		const ended = performance.now();
		const {tokens, promptTokens} = model.usage ?? {tokens: 0, promptTokens: 0};
		const decoding = first === undefined ? 0 : ended - first;
		return {
			text,
			tokens,
			promptTokens,
			timeToFirstToken: ((first ?? ended) - began) / 1000,
			tokensPerSecond: tokens > 1 && decoding > 0 ? ((tokens - 1) * 1000) / decoding : 0,
			memory: model.info.memory,
		};
	});
}

export type ArraysResult = {
	readonly outputs: ReadonlyArray<{readonly name: string; readonly type: string; readonly dims: readonly number[]}>;
	readonly file: string | null;
	readonly seconds: number;
	readonly memory: number;
};

/** @param inputs Names of inputs and .npy files. @param output The .npz that receives every output under its name. */
export async function runArrays(
	directory: string,
	inputs: ReadonlyArray<readonly [name: string, file: string]>,
	output: string | undefined,
	options: RunOptions,
): Promise<ArraysResult> {
	const feeds = Object.fromEntries(
		await Promise.all(
			inputs.map(async ([name, file]) => {
				const {dtype, dims, data} = readNpy(await readFile(file), file);
				return [name, {type: dtype, data, dims}] as const;
			}),
		),
	);
	return withModel(directory, options, async model => {
		const began = performance.now();
		const results = Object.entries(await model.run(feeds, options.signal && {signal: options.signal}));
		const seconds = (performance.now() - began) / 1000;
		if (output !== undefined) {
			await writeFile(output, writeNpz(new Map(results.map(([name, {type, data, dims}]) => [name, {dtype: type, data, dims}]))));
		}

		return {outputs: results.map(([name, {type, dims}]) => ({name, type, dims})), file: output ?? null, seconds, memory: model.info.memory};
	});
}

async function withModel<T>(directory: string, {budget, threads, signal, onProgress}: RunOptions, use: (model: Model) => Promise<T>): Promise<T> {
	const model = await load(path.resolve(directory), {
		...(budget !== undefined && {budget}),
		...(threads !== undefined && {threads}),
		...(signal && {signal}),
		onProgress({loaded, total}) {
			onProgress?.('load', loaded, total);
		},
	});
	try {
		return await use(model);
	} finally {
		model.release();
	}
}
