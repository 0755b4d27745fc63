/** A whole model in ONNX Runtime: the oracle of compiled bundles. */
process.env['ORT_DISABLE_TELEMETRY'] = '1';

import type {Feed, Tensor} from '../../runtime-wasm/loader/types.js';

const ort = await import('onnxruntime-node');

export type Oracle = AsyncDisposable & {
	readonly inputs: readonly string[];
	/** Feeds that are left out and carry state start empty. */
	run(feeds: Readonly<Record<string, Feed>>): Promise<Record<string, Tensor>>;
};

export async function openOracle(model: string): Promise<Oracle> {
	const session = await ort.InferenceSession.create(model, {logSeverityLevel: 4});
	const empty = (name: string): InstanceType<typeof ort.Tensor> => {
		const found = session.inputMetadata.find(input => input.name === name);
		const shape = found && 'shape' in found ? found.shape : [];
		return new ort.Tensor('float32', new Float32Array(0), [1, Number(shape[1]), 0, Number(shape[3])]);
	};

	return {
		inputs: session.inputNames,
		async run(feeds) {
			const tensors = session.inputNames.map(name => {
				const feed = feeds[name];
				return [name, feed ? new ort.Tensor(feed.type as 'float32', feed.data as Float32Array, feed.dims) : empty(name)] as const;
			});
			const outputs = await session.run(Object.fromEntries(tensors));
			return Object.fromEntries(
				Object.entries(outputs).map(([name, {type, data, dims}]) => [name, {type: type as Tensor['type'], data: data as Float32Array, dims}]),
			);
		},
		async [Symbol.asyncDispose]() {
			await session.release();
		},
	};
}

export const int64 = (values: readonly number[], dims: readonly number[]): Feed => ({type: 'int64', data: BigInt64Array.from(values.map(BigInt)), dims});

/** What a language model is fed for `ids` behind `past` tokens. */
export function languageFeeds(inputs: readonly string[], ids: readonly number[], past = 0): Record<string, Feed> {
	const length = ids.length;
	const all: Readonly<Record<string, Feed>> = {
		input_ids: int64(ids, [1, length]),
		attention_mask: int64(new Array<number>(past + length).fill(1), [1, past + length]),
		position_ids: int64(
			ids.map((_, index) => past + index),
			[1, length],
		),
	};
	return Object.fromEntries(Object.entries(all).filter(([name]) => inputs.includes(name)));
}

/** The largest absolute difference over the largest absolute value expected. */
export function relativeDifference(actual: Tensor, expected: Tensor): number {
	let difference = 0;
	let largest = 0;
	for (const [index, value] of (expected.data as Float32Array).entries()) {
		difference = Math.max(difference, Math.abs(value - (actual.data as Float32Array)[index]!));
		largest = Math.max(largest, Math.abs(value));
	}

	return actual.data.length === expected.data.length && !Number.isNaN(difference) ? difference / largest : Infinity;
}
