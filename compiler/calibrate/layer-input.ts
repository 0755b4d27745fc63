/**
 * Layer input modification (LIM, arXiv 2406.17415): how far a layer turns the hidden states that pass through it, −cos(h_in, h_out) over
 * all tokens. A layer is what lies between two norms of the hidden states: attention and feed-forward apart, where each has its norm.
 */
import type {CalibrateOptions} from './calibrate.js';
import {symbolsOf, writeInputs, type FloatModel} from './float-program.js';
import {firstUses} from './try-codes.js';
import type {KernelCall} from '../plan/program.js';

/** Tokens of each run, and runs: directions of hidden states need few. */
const [TOKENS, RUNS] = [128, 8];

const isNorm = ({kernel}: KernelCall): boolean => /^(?:layer|rms)_norm/.test(kernel);

/** By weight: the layer's score, between −1 and 1; Infinity in front of the first norm and behind the last, where there is no layer. */
export async function measureLayerInputs(
	model: FloatModel,
	windows: ReadonlyArray<readonly number[]>,
	{signal, onProgress}: CalibrateOptions = {},
): Promise<ReadonlyMap<string, number>> {
	const seen = windows.slice(0, RUNS).map(window => (model.whole ? window : window.slice(0, TOKENS)));
	const tokens = seen[0]!.length;
	const {program, entry, open} = model.program(tokens);
	const head = program.entries.find(({name}) => name === 'head')?.calls.find(isNorm);
	const machine = await open();
	try {
		const states = (address: number, columns: number): Float32Array => new Float32Array(machine.kernels.memory.buffer, address, tokens * columns).slice();
		const sums: Array<{between: number; before: number; after: number}> = [];
		// Norms of single heads are narrower than those of hidden states, the first of which comes first.
		let width: number | undefined;
		const places = new Set<KernelCall>();
		for (const [index, ids] of seen.entries()) {
			signal?.throwIfAborted();
			onProgress?.(index, seen.length);
			let last: Float32Array | undefined;
			let layer = 0;
			const pass = (next: Float32Array): void => {
				if (last) {
					const sum = (sums[layer++] ??= {between: 0, before: 0, after: 0});
					sum.between += dot(last, next);
					sum.before += dot(last, last);
					sum.after += dot(next, next);
				}

				last = next;
			};

			writeInputs(machine, program, ids);
			machine.run(entry.name, symbolsOf(tokens), {
				before(call, values) {
					const columns = values.get('columns');
					width ??= isNorm(call) ? columns : undefined;
					if (isNorm(call) && columns === width) {
						places.add(call);
						pass(states(values.get('x')!, width!));
					}
				},
			});
			if (head && width !== undefined) {
				pass(states(machine.valueOf('head', head.arguments['x']!, {row: 0}), width));
			}
		}

		const scores = sums.map(({between, before, after}) => -between / (Math.sqrt(before * after) || 1));
		return new Map(
			firstUses(model.weights, entry.calls).map(({weight, at}) => {
				const before = entry.calls.slice(0, at).filter(call => places.has(call)).length;
				return [weight.name, at === entry.calls.length ? Infinity : (scores[before - 1] ?? Infinity)];
			}),
		);
	} finally {
		machine.close();
	}
}

function dot(a: Float32Array, b: Float32Array): number {
	let sum = 0;
	for (const [index, value] of a.entries()) {
		sum += value * b[index]!;
	}

	return sum;
}
