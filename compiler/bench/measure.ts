/**
 * Measures a bundle through a loader's `load`. The same code runs in this process and, built as a script, in a page: it imports
 * nothing but types. All times are milliseconds.
 */
import type {Feed, Info, Model, load} from 'snug/runtime';
import type {Job, JobInput} from './job.js';

export type Measurement = {
	readonly info: Pick<Info, 'threads' | 'simd' | 'memory' | 'bytesLoaded'>;
	/** From the call of load() to its answer, and to the first result: a token behind the prompt, or the outputs. */
	readonly load: number;
	readonly firstResult: number;
	/** Of the loaded model: a prompt to its first token, or a run. */
	readonly calls: readonly number[];
	/** From a token to the next, the mean of each round: tokens that come fast are handed out several at a time. */
	readonly steps: readonly number[];
};

/** @param onStep Counts what was done, of `repeats` + 1 rounds. */
export async function measure(loadModel: typeof load, url: string, job: Job, onStep: (done: number) => void = () => undefined): Promise<Measurement> {
	const began = performance.now();
	const model = await loadModel(url, job.load);
	try {
		const loaded = performance.now() - began;
		const calls: number[] = [];
		const steps: number[] = [];
		const work = job.kind === 'generate' ? generation(model, job) : runs(model, job.inputs);
		const first = (await work(steps)).ended - began;
		// Engines replace a program's first code by a better one while it runs: the first round belongs to the load.
		steps.length = 0;
		onStep(1);
		for (let round = 0; round < job.repeats; round++) {
			const {started, ended} = await work(steps);
			calls.push(ended - started);
			onStep(round + 2);
		}

		const {threads, simd, memory, bytesLoaded} = model.info;
		return {info: {threads, simd, memory, bytesLoaded}, load: loaded, firstResult: first, calls, steps};
	} finally {
		model.release();
	}
}

/** Adds the mean step of a round to `steps`; gives the times between which its call lay. */
type Round = (steps: number[]) => Promise<{readonly started: number; readonly ended: number}>;

function generation(model: Model, {vocabulary, promptTokens, decodeTokens}: Extract<Job, {kind: 'generate'}>): Round {
	const random = generator(1);
	return async steps => {
		// Other tokens each time, and an empty state: nothing of the prompt is known already.
		model.reset();
		const prompt = Array.from({length: promptTokens}, () => Math.floor(random() * vocabulary));
		const started = performance.now();
		let ended: number | undefined;
		let last = started;
		let count = 0;
		for await (const _token of model.generateTokens(prompt, {maxTokens: decodeTokens + 1, temperature: 0, stopTokens: []})) {
			last = performance.now();
			ended ??= last;
			count++;
		}

		if (count > 1) {
			steps.push((last - ended!) / (count - 1));
		}

		return {started, ended: ended ?? last};
	};
}

function runs(model: Model, inputs: readonly JobInput[]): Round {
	const random = generator(1);
	const feeds = Object.fromEntries(inputs.map(input => [input.name, feedOf(input, random)]));
	return async () => {
		const started = performance.now();
		await model.run(feeds);
		return {started, ended: performance.now()};
	};
}

/** Indices are random ones of their table, other integers are ones (as in a mask without padding), floats lie in −1 to 1. */
function feedOf({dtype, dims, rows}: JobInput, random: () => number): Feed {
	const type = dtype as Feed['type'];
	const length = dims.reduce((product, dim) => product * dim, 1);
	const make = (value: () => number): number[] => Array.from({length}, value);
	if (type === 'float16' || type === 'bfloat16') {
		// Bit patterns of ±1 and a little less.
		const one = type === 'float16' ? 0x3c_00 : 0x3f_80;
		return {type, dims, data: Uint16Array.from(make(() => (random() < 0.5 ? one : one | 0x80_00)))};
	}

	if (type === 'float32' || type === 'float64') {
		return {type, dims, data: make(() => 2 * random() - 1)};
	}

	const values = make(() => (rows === undefined ? 1 : Math.floor(random() * rows)));
	return {type, dims, data: type === 'int64' || type === 'uint64' ? values.map(BigInt) : type === 'bool' ? values.map(Boolean) : values};
}

/** Numbers of 0 to 1, the same for a seed: a multiplicative congruential generator (Park and Miller, 1988). */
function generator(seed: number): () => number {
	let state = seed;
	return () => {
		state = (state * 48_271) % 2_147_483_647;
		return state / 2_147_483_647;
	};
}
