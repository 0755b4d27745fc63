/**
 * Statistics of the inputs of every product with a weight, from a run of the model in f32 on a text: the mean of x xᵀ (the Gram matrix),
 * which is half the Hessian of the product's squared error (Optimal Brain Surgeon; GPTQ, arXiv 2210.17323).
 *
 * Vectors are added up as they pass by; none is kept.
 */
import {openWeight, type GraphWeight} from '../allocate/weights.js';
import {encodingOf} from '../build.js';
import {codecs} from '../codecs/index.js';
import {SnugError} from '../error.js';
import {FILLS} from '../bundle/fills.js';
import {evaluate} from '../graph/dim.js';
import type {TypedGraph} from '../passes/infer-types.js';
import {checkPlan} from '../plan/check.js';
import {lower, PREFILL_TOKENS} from '../plan/lower.js';
import {planMemory} from '../plan/memory.js';
import type {KernelCall, Program} from '../plan/program.js';
import {readPrototypes} from '../plan/prototypes.js';
import {createMachine, type Machine, type Symbols} from './machine.js';

export type Statistics = {
	/** Vectors that were seen. */
	readonly tokens: number;
	/** [columns, columns], row-major. */
	readonly gram: Float32Array;
};

/** By the name of the weight. Tables that are only looked up have none. */
export type Calibration = ReadonlyMap<string, Statistics>;

export type CalibrateOptions = {
	/** Positions that states hold; windows are no longer. */
	readonly positions: number;
	readonly signal?: AbortSignal;
	onProgress?(done: number, total: number): void;
};

const DENSE = {codec: 'dense', parameters: {dtype: 'float32'}};

export async function calibrate(
	typed: TypedGraph,
	weights: readonly GraphWeight[],
	windows: ReadonlyArray<readonly number[]>,
	{positions, signal, onProgress}: CalibrateOptions,
): Promise<Calibration> {
	const prototypes = readPrototypes();
	const encoding = encodingOf(
		weights,
		weights.map(() => DENSE),
	);
	const program = lower(typed, encoding, {cachePrecision: 'float32', positions, threads: 1});
	const plan = planMemory(program, prototypes);
	checkPlan(program, plan, prototypes);
	const machine = createMachine(program, plan);
	for (const weight of weights) {
		machine.setWeight(weight.name, codecs.get(DENSE.codec)!.encode(openWeight(weight), DENSE.parameters));
	}

	const grams = createGrams(machine, program, positions);
	for (const [index, window] of windows.entries()) {
		onProgress?.(index, windows.length);
		for (const chunk of chunksOf(program, window)) {
			signal?.throwIfAborted();
			runChunk(machine, program, chunk, grams);
			// Kernels run synchronously; let progress and signals through.
			await new Promise(resolve => {
				setImmediate(resolve);
			});
		}
	}

	return grams.finish();
}

type Chunk = {readonly ids: readonly number[]; readonly past: number};

function chunksOf(program: Program, window: readonly number[]): Chunk[] {
	if (program.states.length === 0) {
		const most = program.symbols['sequence']?.max ?? window.length;
		return [{ids: window.slice(0, most), past: 0}];
	}

	return Array.from({length: Math.ceil(window.length / PREFILL_TOKENS)}, (_, index) => {
		const past = index * PREFILL_TOKENS;
		return {ids: window.slice(past, past + PREFILL_TOKENS), past};
	});
}

function runChunk(machine: Machine, program: Program, {ids, past}: Chunk, grams: Grams): void {
	const symbols: Symbols = {batch: 1, sequence: ids.length, past};
	for (const {name, dtype, shape, buffer} of program.inputs) {
		if (buffer !== undefined) {
			machine.write(
				buffer,
				dtype,
				fill(
					name,
					shape.map(dim => evaluate(dim, symbols)),
					ids,
					past,
				),
			);
		}
	}

	const entry = program.states.length === 0 ? 'run' : 'prefill';
	machine.run(entry, symbols, (call, values) => {
		grams.add(call, values.get('x')!, values.get('tokens') ?? 1);
	});
	// The entry of logits takes one vector a call; all of them lie where the last entry left them.
	for (const call of program.entries.find(({name}) => name === 'head')?.calls ?? []) {
		if (productOf(call) !== undefined) {
			grams.add(call, machine.valueOf('head', call.arguments['x']!, {row: 0}), ids.length);
		}
	}
}

function fill(name: string, dims: readonly number[], ids: readonly number[], past: number): ArrayLike<number> {
	const length = dims.reduce((product, dim) => product * dim, 1);
	switch (FILLS[name]) {
		case 'tokens': {
			return ids;
		}

		case 'ones': {
			return new Array<number>(length).fill(1);
		}

		case 'positions': {
			return ids.map((_, index) => past + index);
		}

		default: {
			if (name !== 'token_type_ids') {
				throw new SnugError('cannot-calibrate', {
					subject: `input '${name}'`,
					problem: 'a text does not say what it holds',
					expected: [...Object.keys(FILLS), 'token_type_ids'].join(', '),
					hint: 'compile without --calibration',
				});
			}

			return new Array<number>(length).fill(0);
		}
	}
}

/** The weight that a call multiplies vectors with. */
function productOf({arguments: {parts, x}}: KernelCall): string | undefined {
	return parts?.kind === 'parts' && x ? parts.weight : undefined;
}

type Grams = {
	/** Adds `tokens` vectors at address `x`, if the call is a product. */
	add(call: KernelCall, x: number, tokens: number): void;
	finish(): Calibration;
};

function createGrams({kernels, reserve}: Machine, program: Program, positions: number): Grams {
	const columns = new Map(program.weights.map(weight => [weight.name, weight.columns]));
	const products = program.entries
		.filter(({name}) => name !== 'decode' && name !== 'sample')
		.flatMap(({calls}) => calls.flatMap(call => productOf(call) ?? []));
	const places = new Map([...new Set(products)].map(name => [name, reserve(4 * columns.get(name)! ** 2)]));
	const widest = Math.max(0, ...[...places.keys()].map(name => columns.get(name)!));
	const most = program.states.length === 0 ? (program.symbols['sequence']?.max ?? positions) : PREFILL_TOKENS;
	const scratch = reserve(4 * Math.ceil(widest / 8) * 8 * most);
	const counts = new Map<string, number>();
	return {
		add(call, x, tokens) {
			const name = productOf(call);
			if (name !== undefined) {
				kernels.call('gram_f32', places.get(name)!, x, scratch, tokens, columns.get(name)!);
				counts.set(name, (counts.get(name) ?? 0) + tokens);
			}
		},
		finish() {
			return new Map(
				[...places].map(([name, address]) => {
					const n = columns.get(name)!;
					const tokens = counts.get(name) ?? 0;
					kernels.call('mirror_f32', address, n, 1 / tokens);
					return [name, {tokens, gram: new Float32Array(kernels.memory.buffer, address, n * n).slice()}];
				}),
			);
		},
	};
}
