/**
 * Statistics of the inputs of every product with a weight, from a run of the model without loss on a text: the mean of x xᵀ (the Gram matrix),
 * which is half the Hessian of the product's squared error (Optimal Brain Surgeon; GPTQ, arXiv 2210.17323).
 *
 * Vectors are added up as they pass by; none is kept.
 */
import {letOthersRun} from '../jobs/pool.js';
import type {KernelCall} from '../plan/program.js';
import {headProducts, productOf, vectorsOf, type FloatModel, type FloatProgram} from './float-program.js';
import type {Machine} from './machine.js';
import {boundsFor, lengthOf, symbolsOf, writeInputs, type RunInputs} from './run-inputs.js';
import {findSameInputs} from './same-inputs.js';
import {createSampleSize} from './sample-size.js';
import type {Calibration} from './statistics.js';

export type CalibrateOptions = {
	readonly signal?: AbortSignal;
	onProgress?(done: number, total: number): void;
};

export async function calibrate(model: FloatModel, windows: readonly RunInputs[], {signal, onProgress}: CalibrateOptions = {}): Promise<Calibration> {
	const longest = windows.reduce((a, b) => (lengthOf(b) > lengthOf(a) ? b : a));
	const float = model.program(boundsFor(longest));
	const {program, entry} = float;
	const machine = await float.open();
	try {
		const grams = createGrams(machine, float, lengthOf(longest));
		for (const [index, window] of windows.entries()) {
			onProgress?.(index, windows.length);
			signal?.throwIfAborted();
			writeInputs(machine, program, window);
			machine.run(entry.name, symbolsOf(window), {
				before(call, values) {
					grams.add(call, values.get('x')!, values.get('tokens') ?? 1);
				},
			});
			for (const call of headProducts(program)) {
				grams.add(call, machine.valueOf('head', call.arguments['x']!, {row: 0}), lengthOf(window));
			}

			await letOthersRun();
		}

		return grams.finish();
	} finally {
		machine.close();
	}
}

type Grams = {
	/** Adds `tokens` vectors at address `x`, if the call is a product. */
	add(call: KernelCall, x: number, tokens: number): void;
	finish(): Calibration;
};

/** @param tokens Of a run, at most. */
function createGrams({kernels, reserve, reserveEach}: Machine, {program, entry, arithmetic}: FloatProgram, tokens: number): Grams {
	const columns = new Map(program.weights.map(weight => [weight.name, weight.columns]));
	const products = [...entry.calls, ...headProducts(program)].filter(call => productOf(call) !== undefined);
	const names = [...new Set(products.map(call => productOf(call)!))];
	const leaderOf = findSameInputs(entry.calls, headProducts(program));
	const leaders = names.filter(name => leaderOf(name) === name);
	const places = new Map(leaders.map(name => [name, reserve(4 * columns.get(name)! ** 2)]));
	const widest = Math.max(0, ...names.map(name => columns.get(name)!));
	const most = Math.max(tokens, ...entry.calls.map(call => vectorsOf(call, program)));
	const scratch = reserveEach(arithmetic.scratchOf(widest, most));
	const counts = new Map<string, number>();
	const sizes = new Map(leaders.map(name => [name, createSampleSize(columns.get(name)!)]));
	return {
		add(call, x, tokens) {
			const name = productOf(call);
			if (name !== undefined && places.has(name)) {
				kernels.call(arithmetic.gram, places.get(name)!, x, scratch, tokens, columns.get(name)!);
				sizes.get(name)!.add(new Float32Array(kernels.memory.buffer, x, tokens * columns.get(name)!));
				counts.set(name, (counts.get(name) ?? 0) + tokens);
			}
		},
		finish() {
			const found = new Map(
				[...places].map(([name, address]) => {
					const n = columns.get(name)!;
					const tokens = counts.get(name) ?? 0;
					kernels.call('mirror_f32', address, n, 1 / tokens);
					return [name, {sampleSize: sizes.get(name)!.effective(), gram: new Float32Array(kernels.memory.buffer, address, n * n).slice()}];
				}),
			);
			return new Map(names.map(name => [name, found.get(leaderOf(name))!]));
		},
	};
}
