/** What calibration finds, kept in a cache by the model and the text. */
import {writeGraph} from '../bundle/graph-file.js';
import type {Graph} from '../graph/graph.js';
import type {Cache} from '../jobs/cache.js';
import type {Choice} from '../jobs/job.js';
import {keyOf, viewOf} from '../jobs/key.js';
import {isText, type RunInputs} from './run-inputs.js';
import type {Calibration, Sensitivities, Statistics} from './statistics.js';

/**
 * Names what a model computes on a text, before any transform reads its weights.
 * @param source The graph whose constants are as in the file. @param typed The graph that runs.
 */
export const identityOf = (source: Graph, typed: Graph, windows: readonly RunInputs[]): string => keyOf(contentOf(source, typed, windows));

function* contentOf(source: Graph, typed: Graph, windows: readonly RunInputs[]): Generator<string | Uint8Array> {
	yield JSON.stringify(writeGraph(typed, new Set(typed.constants.keys())));
	for (const inputs of windows) {
		if (isText(inputs)) {
			yield JSON.stringify(inputs);
			continue;
		}

		for (const [name, {data}] of inputs.tensors) {
			yield `${name} ${JSON.stringify(inputs.symbols)}`;
			yield viewOf(data);
		}
	}

	// One at a time: a model may be larger than memory.
	for (const [name, {dtype, dims, read}] of source.constants) {
		yield `${name} ${dtype} ${dims.join()}`;
		yield viewOf(read());
	}
}

/** The calibration of the cache, else what `run` gives. */
export async function keptCalibration(cache: Cache, identity: string, run: () => Promise<Calibration>): Promise<Calibration> {
	const index = keyOf([identity, 'calibration']);
	const fileOf = (name: string): string => keyOf([identity, 'gram', name]);
	const found = new Map<string, Statistics>();
	const listed = cache.get(index)?.values as {names: string[]; columns: number[]} | undefined;
	for (const [at, name] of listed?.names.entries() ?? []) {
		const entry = cache.get(fileOf(name));
		if (!entry) {
			break;
		}

		found.set(name, {sampleSize: entry.values['sampleSize'] as number, gram: wholeOf(new Float32Array(entry.arrays[0]!.buffer), listed!.columns[at]!)});
	}

	if (listed && found.size === listed.names.length) {
		return found;
	}

	const calibration = await run();
	for (const [name, {sampleSize, gram}] of calibration) {
		cache.put(fileOf(name), {values: {sampleSize}, arrays: [viewOf(triangleOf(gram))]});
	}

	cache.put(index, {values: {names: [...calibration.keys()], columns: [...calibration.values()].map(({gram}) => Math.sqrt(gram.length))}, arrays: []});
	return calibration;
}

/** The sensitivities of the cache, else what `run` gives. */
export async function keptSensitivities(cache: Cache, identity: string, run: () => Promise<Sensitivities>): Promise<Sensitivities> {
	const key = keyOf([identity, 'sensitivities']);
	const found = cache.get(key);
	if (found) {
		return new Map(Object.entries(found.values as Record<string, number>));
	}

	const sensitivities = await run();
	cache.put(key, {values: Object.fromEntries(sensitivities), arrays: []});
	return sensitivities;
}

/** The measured losses of a weight's codes, else what `run` gives. */
export const keptLosses = async (cache: Cache, identity: string, weight: string, choices: readonly Choice[], run: () => Promise<number[]>): Promise<number[]> =>
	keptNumbers(cache, [identity, 'losses', weight, JSON.stringify(choices)], run);

/** What rounding loses without a transform, and with it. */
export const keptRoundedLosses = async (cache: Cache, identity: string, transform: string, run: () => Promise<number[]>): Promise<number[]> =>
	keptNumbers(cache, [identity, 'rounded', transform], run);

async function keptNumbers(cache: Cache, name: readonly string[], run: () => Promise<number[]>): Promise<number[]> {
	const key = keyOf(name);
	const found = cache.get(key);
	if (found) {
		return found.values['numbers'] as number[];
	}

	const numbers = await run();
	cache.put(key, {values: {numbers}, arrays: []});
	return numbers;
}

/** Of a symmetric matrix, row by row what is on and behind the diagonal. */
function triangleOf(matrix: Float32Array): Float32Array {
	const n = Math.sqrt(matrix.length);
	const out = new Float32Array((n * (n + 1)) / 2);
	for (let i = 0, at = 0; i < n; at += n - i, i++) {
		out.set(matrix.subarray(i * n + i, (i + 1) * n), at);
	}

	return out;
}

function wholeOf(triangle: Float32Array, n: number): Float32Array {
	const out = new Float32Array(n * n);
	for (let i = 0, at = 0; i < n; at += n - i, i++) {
		out.set(triangle.subarray(at, at + n - i), i * n + i);
		for (let j = i + 1; j < n; j++) {
			out[j * n + i] = triangle[at + j - i]!;
		}
	}

	return out;
}
