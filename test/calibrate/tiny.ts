/** The tiny language model as the tests of calibration see it: its graph, texts, and its logits by the interpreter. */
import {writeFileSync} from 'node:fs';
import path from 'node:path';
import type {ExecutionContext} from 'ava';
import {findWeights} from '../../compiler/allocate/weights.js';
import {importBounded} from '../../compiler/bounds.js';
import {FLOAT, type Arithmetic} from '../../compiler/calibrate/arithmetic.js';
import {calibrate} from '../../compiler/calibrate/calibrate.js';
import {floatModel} from '../../compiler/calibrate/float-program.js';
import {divergenceFrom} from '../../compiler/calibrate/predictor.js';
import type {Graph} from '../../compiler/graph/graph.js';
import {constant, float32, int64, zeros, type Tensor} from '../../compiler/graph/tensor.js';
import {optimize, transform} from '../../compiler/passes/optimize.js';
import type {TypedGraph} from '../../compiler/passes/infer-types.js';
import {runReference} from '../../compiler/reference/run.js';
import {temporaryFolder} from '../helpers/temporary.js';
import {tiny, tinyLanguageModel} from '../helpers/tiny-language-model.js';

export const POSITIONS = 128;

/** @param transforms All unless given. */
export function openTiny(t: ExecutionContext, transforms?: readonly string[]): TypedGraph {
	const file = path.join(temporaryFolder(t), 'model.onnx');
	writeFileSync(file, tinyLanguageModel());
	return transform(optimize(importBounded(file, {maxSequence: POSITIONS}).graph), transforms);
}

export const textOf = (seed: number, length: number): number[] =>
	Array.from({length}, (_, index) => (index * index * seed + 7 * index + seed) % tiny.vocabulary);

/** The outputs of a run on tokens, without a past. */
export function runTiny(graph: Graph, ids: readonly number[]): ReadonlyMap<string, Tensor> {
	const positions = int64(
		[1, ids.length],
		ids.map((_, index) => index),
	);
	const feeds = new Map<string, Tensor>([
		['input_ids', int64([1, ids.length], ids)],
		['position_ids', positions],
		...graph.states.map(({input}) => [input, zeros('float32', [1, tiny.kvHeads, 0, tiny.width])] as const),
	]);
	return runReference(graph, feeds, {past: 0, sequence: ids.length});
}

export const logitsOf = (graph: Graph, ids: readonly number[]): Float32Array => runTiny(graph, ids).get('logits')!.data as Float32Array;

/** The graph with other data in its constants. */
export function withConstants(graph: Graph, changed: ReadonlyMap<string, Float32Array>): Graph {
	const constants = new Map(graph.constants);
	for (const [name, values] of changed) {
		constants.set(name, constant(float32(graph.constants.get(name)!.dims, values)));
	}

	return {...graph, constants};
}

/** How far the predictions of a graph are from those of another on the last half of each window, by the interpreter; the mean over windows. */
export function divergenceBetween(windows: ReadonlyArray<readonly number[]>, exact: Graph, other: Graph): number {
	const rows = (graph: Graph, ids: readonly number[]): Float32Array[] => {
		const logits = logitsOf(graph, ids);
		const first = ids.length >> 1;
		return Array.from({length: ids.length - first}, (_, index) => logits.subarray((first + index) * tiny.vocabulary, (first + index + 1) * tiny.vocabulary));
	};

	return windows.reduce((sum, ids) => sum + divergenceFrom(rows(exact, ids), true)(rows(other, ids)), 0) / windows.length;
}

/** The tiny model with what a calibration on these windows finds. */
export async function calibrateTiny(t: ExecutionContext, windows: ReadonlyArray<readonly number[]>, arithmetic: Arithmetic = FLOAT) {
	const typed = openTiny(t);
	const weights = findWeights(typed.graph);
	const model = floatModel(typed, weights, POSITIONS, {arithmetic});
	return {typed, weights, model, calibration: await calibrate(model, windows)};
}
