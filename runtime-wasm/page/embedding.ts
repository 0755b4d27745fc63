/** The vector of a text: the mean of its tokens' vectors (or the vector that the model gives), of length 1. */
import type {Feed, Model} from '../loader/index.js';
import type {Manifest} from '../../compiler/bundle/format.js';

export type Embedding = {readonly vector: Float32Array; readonly tokens: number; readonly took: number};

export async function embed(model: Model, {inputs, outputs}: Manifest, text: string): Promise<Embedding> {
	const ids = await model.tokenize(text);
	const began = performance.now();
	const dims = [1, ids.length];
	const feeds: Record<string, Feed> = {};
	for (const {name, dtype, fill, address} of inputs) {
		// Ones and positions are made by the loader; what is left are types of tokens, all of the first.
		if (address >= 0 && (fill === undefined || fill === 'tokens')) {
			const values = fill === 'tokens' ? ids : ids.map(() => 0);
			feeds[name] = {type: dtype as Feed['type'], dims, data: dtype === 'int64' ? values.map(BigInt) : values};
		}
	}

	const results = await model.run(feeds);
	const took = performance.now() - began;
	const port = outputs.find(({dtype, shape}) => dtype === 'float32' && (shape.length === 2 || shape.length === 3))!;
	const {data, dims: shape} = results[port.name]!;
	return {vector: normalized(data as Float32Array, shape.at(-1)!), tokens: ids.length, took};
}

function normalized(data: Float32Array, width: number): Float32Array {
	const mean = new Float32Array(width);
	for (const [index, value] of data.entries()) {
		mean[index % width]! += value;
	}

	const length = Math.hypot(...mean) || 1;
	return mean.map(value => value / length);
}

export const cosine = (a: Float32Array, b: Float32Array): number => a.reduce((sum, value, index) => sum + value * b[index]!, 0);
