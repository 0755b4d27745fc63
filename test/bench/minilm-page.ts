/** What runs in the page of `minilm.ts`: the same sentences through Snug and through ONNX Runtime Web, on one thread. */
import type {load} from '../../runtime-wasm/loader/index.js';

export type Task = {
	/** Of a bundle, or of ONNX Runtime Web and then `model`. */
	readonly folder: string;
	readonly model?: string;
	/** The name of the model's external data and where it is. */
	readonly data?: readonly [string, string];
	readonly batch: number;
	readonly length: number;
	readonly ids: readonly number[];
	readonly warm: number;
	readonly runs: number;
};

export type Measured = {
	/** Milliseconds. */
	readonly load: number;
	readonly times: readonly number[];
	/** The mean of each sentence's hidden states, one sentence after the other. */
	readonly embeddings: readonly number[];
};

/** As much as is used here of a module that is not installed. */
type Ort = {
	readonly env: {readonly wasm: {numThreads: number; wasmPaths: string}};
	readonly Tensor: new (type: string, data: BigInt64Array, dims: readonly number[]) => object;
	readonly InferenceSession: {
		create(model: string, options: object): Promise<{run(feeds: Readonly<Record<string, object>>): Promise<Record<string, {readonly data: unknown}>>}>;
	};
};

const feedsOf = ({batch, length, ids}: Task) => {
	const feed = (at: (index: number) => number) => ({
		type: 'int64' as const,
		data: BigInt64Array.from({length: batch * length}, (_, index) => BigInt(at(index))),
		dims: [batch, length],
	});
	return {input_ids: feed(index => ids[index]!), attention_mask: feed(() => 1), token_type_ids: feed(() => 0)};
};

/** The mean over the tokens of each sentence. */
export function meanOf(hidden: Float32Array, {batch, length}: Pick<Task, 'batch' | 'length'>): number[] {
	const width = hidden.length / batch / length;
	const means = new Array<number>(batch * width).fill(0);
	for (const [index, value] of hidden.entries()) {
		means[Math.floor(index / length / width) * width + (index % width)]! += value / length;
	}

	return means;
}

async function time(task: Task, started: number, run: () => Promise<Record<string, {readonly data: unknown}>>): Promise<Measured> {
	const {warm, runs} = task;
	const load = performance.now() - started;
	let result = await run();
	for (let index = 1; index < warm; index++) {
		result = await run();
	}

	const times: number[] = [];
	for (let index = 0; index < runs; index++) {
		const start = performance.now();
		await run();
		times.push(performance.now() - start);
	}

	return {load, times, embeddings: meanOf(Object.values(result)[0]!.data as Float32Array, task)};
}

const calls = {
	async snug(task: Task): Promise<Measured> {
		const loader = (await import(`${task.folder}snug.js`)) as {load: typeof load};
		const started = performance.now();
		const model = await loader.load(task.folder, {threads: 1});
		return time(task, started, async () => model.run(feedsOf(task)));
	},
	async ort(task: Task): Promise<Measured> {
		const ort = (await import(`${task.folder}ort.wasm.min.mjs`)) as Ort;
		ort.env.wasm.numThreads = 1;
		ort.env.wasm.wasmPaths = new URL(task.folder, location.href).href;
		const started = performance.now();
		const session = await ort.InferenceSession.create(task.model!, {
			executionProviders: ['wasm'],
			graphOptimizationLevel: 'all',
			...(task.data && {externalData: [{path: task.data[0], data: task.data[1]}]}),
		});
		const feeds = Object.fromEntries(Object.entries(feedsOf(task)).map(([name, {type, data, dims}]) => [name, new ort.Tensor(type, data, dims)]));
		return time(task, started, async () => session.run(feeds));
	},
};

export type BenchCalls = typeof calls;

Object.assign(globalThis, {calls});
