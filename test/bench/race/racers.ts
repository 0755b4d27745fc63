/** The three runtimes behind one interface, as their documentation says that a page uses them: load, and write behind a prompt. */
import type {load as loadSnug, Model} from '../../../runtime-wasm/loader/index.js';
import type {Engine, Prompt} from './job.js';

export type Racer = {
	readonly threads: number;
	/** Writes `count` tokens, the likeliest each time, and calls back at each; gives the number of tokens that the prompt had. */
	write(prompt: Prompt, count: number, onToken: () => void): Promise<number>;
};

/** What was imported already; `load` begins with the runtime's own loading. */
export type Prepared = {load(threads: number): Promise<Racer>};

type Of<K extends Engine['kind']> = Extract<Engine, {kind: K}>;

const module = async (url: string): Promise<unknown> => import(new URL(url, location.href).href) as Promise<unknown>;

export async function prepare(engine: Engine): Promise<Prepared> {
	switch (engine.kind) {
		case 'snug':
			return prepareSnug(engine);
		case 'onnxruntime-web':
			return prepareOrt(engine);
		case 'wllama':
			return prepareWllama(engine);
	}
}

async function prepareSnug({folder, simd}: Of<'snug'>): Promise<Prepared> {
	const {load} = (await module(`${folder}snug.js`)) as {load: typeof loadSnug};
	return {
		async load(threads) {
			const model: Model = await load(folder, {simd, threads});
			if (model.info.simd !== simd) {
				throw new Error(`${model.info.simd} SIMD ran instead of ${simd}`);
			}

			return {
				threads: model.info.threads,
				async write({ids}, count, onToken) {
					for await (const _token of model.generateTokens(ids, {maxTokens: count, temperature: 0, stopTokens: []})) {
						onToken();
					}

					return ids.length;
				},
			};
		},
	};
}

type OrtTensor = {readonly dims: readonly number[]; getData(): Promise<Float32Array>; dispose(): void};
type OrtSession = {readonly inputNames: readonly string[]; run(feeds: Record<string, OrtTensor>): Promise<Record<string, OrtTensor>>};
type Ort = {
	readonly env: {readonly wasm: {numThreads: number; wasmPaths: string}};
	readonly Tensor: new (type: string, data: Float32Array | BigInt64Array, dims: readonly number[]) => OrtTensor;
	readonly InferenceSession: {create(model: string, options: object): Promise<OrtSession>};
};

async function prepareOrt({script, model, data, cache}: Of<'onnxruntime-web'>): Promise<Prepared> {
	const ort = (await module(script)) as Ort;
	return {
		async load(threads) {
			ort.env.wasm.numThreads = threads;
			ort.env.wasm.wasmPaths = new URL('./', new URL(script, location.href)).href;
			const session = await ort.InferenceSession.create(model, {
				executionProviders: ['wasm'],
				graphOptimizationLevel: 'all',
				externalData: [{path: data.split('/').at(-1), data}],
			});
			return {threads: ort.env.wasm.numThreads, write: async (prompt, count, onToken) => writeWithOrt(ort, session, cache, prompt.ids, count, onToken)};
		},
	};
}

/** A prompt goes in at once, as the runtime's own generator does it. */
async function writeWithOrt(
	ort: Ort,
	session: OrtSession,
	{layers, heads, width}: Of<'onnxruntime-web'>['cache'],
	prompt: readonly number[],
	count: number,
	onToken: () => void,
): Promise<number> {
	const integers = (values: readonly number[]): OrtTensor => new ort.Tensor('int64', BigInt64Array.from(values, BigInt), [1, values.length]);
	let past: Record<string, OrtTensor> = {};
	for (let layer = 0; layer < layers; layer++) {
		for (const part of ['key', 'value']) {
			past[`past_key_values.${layer}.${part}`] = new ort.Tensor('float32', new Float32Array(0), [1, heads, 0, width]);
		}
	}

	let total = 0;
	let ids = prompt;
	for (let written = 0; written < count; written++) {
		const begin = total;
		total += ids.length;
		const given: Record<string, OrtTensor> = {
			input_ids: integers(ids),
			attention_mask: integers(Array.from({length: total}, () => 1)),
			position_ids: integers(ids.map((_, index) => begin + index)),
			...past,
		};
		const outputs = await session.run(Object.fromEntries(session.inputNames.map(name => [name, given[name]!])));
		for (const tensor of Object.values(past)) {
			tensor.dispose();
		}

		past = Object.fromEntries(
			Object.entries(outputs).flatMap(([name, tensor]) => (name.startsWith('present.') ? [[name.replace('present.', 'past_key_values.'), tensor]] : [])),
		);
		const logits = outputs['logits']!;
		const width = logits.dims.at(-1)!;
		ids = [likeliest((await logits.getData()).subarray(-width))];
		onToken();
	}

	return prompt.length;
}

function likeliest(logits: Float32Array): number {
	let best = 0;
	for (let index = 1; index < logits.length; index++) {
		if (logits[index]! > logits[best]!) {
			best = index;
		}
	}

	return best;
}

type WllamaChunk = {
	readonly choices?: ReadonlyArray<{readonly text?: string}>;
	readonly usage?: {readonly prompt_tokens?: number} | null;
	readonly timings?: {readonly prompt_n?: number; readonly cache_n?: number};
};
type WllamaInstance = {
	loadModelFromUrl(url: string, options: object): Promise<void>;
	getNumThreads(): number;
	createCompletion(options: object): Promise<AsyncIterable<WllamaChunk>>;
};
type WllamaModule = {readonly Wllama: new (paths: {readonly default: string}, options: object) => WllamaInstance};

async function prepareWllama({script, wasm, model, positions}: Of<'wllama'>): Promise<Prepared> {
	const {Wllama} = (await module(script)) as WllamaModule;
	return {
		async load(threads) {
			const wllama = new Wllama({default: wasm}, {suppressNativeLog: true});
			await wllama.loadModelFromUrl(new URL(model, location.href).href, {useCache: false, n_threads: threads, n_ctx: positions, n_gpu_layers: 0});
			return {
				threads: wllama.getNumThreads(),
				async write({text}, count, onToken) {
					let tokens = 0;
					// An end of text that the model predicts must not end the measurement.
					const options = {prompt: text, max_tokens: count, temperature: 0, stream: true, ignore_eos: true, cache_prompt: false};
					for await (const {choices, usage, timings} of await wllama.createCompletion(options)) {
						tokens = Math.max(tokens, usage?.prompt_tokens ?? 0, (timings?.prompt_n ?? 0) + (timings?.cache_n ?? 0));
						if (choices?.[0]?.text !== undefined && choices[0].text !== '') {
							onToken();
						}
					}

					return tokens;
				},
			};
		},
	};
}
