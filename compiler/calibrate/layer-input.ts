/**
 * Layer input modification (LIM, arXiv 2406.17415): how far a layer turns the hidden states that pass through it, −cos(h_in, h_out) over
 * all tokens. A layer is what lies between two norms of the hidden states: attention and feed-forward apart, where each has its norm.
 */
import {dot} from '../numeric/dot.js';
import type {CalibrateOptions} from './calibrate.js';
import type {FloatModel} from './float-program.js';
import {boundsFor, lengthOf, shorten, symbolsOf, writeInputs, type RunInputs} from './run-inputs.js';
import {firstUses} from './try-codes.js';
import type {KernelCall} from '../plan/program.js';

/** Tokens of each run, and runs: directions of hidden states need few. */
const [TOKENS, RUNS] = [128, 8];

const isNorm = ({kernel}: KernelCall): boolean => /^(?:layer|rms)_norm/.test(kernel);

/** By weight: the layer's score, between −1 and 1; Infinity in front of the first norm and behind the last, where there is no layer. */
export async function measureLayerInputs(
	model: FloatModel,
	windows: readonly RunInputs[],
	{signal, onProgress}: CalibrateOptions = {},
): Promise<ReadonlyMap<string, number>> {
	const seen = windows.slice(0, RUNS).map(inputs => (model.whole ? inputs : shorten(inputs, TOKENS)));
	const first = seen[0]!;
	const {program, entry, open} = model.program(boundsFor(first));
	const head = program.entries.find(({name}) => name === 'head')?.calls.find(isNorm);
	const machine = await open();
	try {
		const states = (address: number, rows: number, columns: number): Float32Array =>
			new Float32Array(machine.kernels.memory.buffer, address, rows * columns).slice();
		// Of all states, by norm: their squares, and their products with those at the next norm.
		const [squares, between]: [number[], number[]] = [[], []];
		// Norms of single heads are narrower than those of hidden states, the first of which comes first; one of a single vector is shorter.
		let height: number | undefined;
		let width: number | undefined;
		const places = new Set<KernelCall>();
		for (const [done, inputs] of seen.entries()) {
			signal?.throwIfAborted();
			onProgress?.(done, seen.length);
			let last: Float32Array | undefined;
			let index = 0;
			const pass = (next: Float32Array): void => {
				squares[index] = (squares[index] ?? 0) + dot(next, next);
				if (last) {
					between[index - 1] = (between[index - 1] ?? 0) + dot(last, next);
				}

				last = next;
				index++;
			};

			writeInputs(machine, program, inputs);
			machine.run(entry.name, symbolsOf(inputs), {
				before(call, values) {
					if (!isNorm(call)) {
						return;
					}

					const [rows, columns] = [values.get('rows')!, values.get('columns')!];
					height ??= rows;
					width ??= columns;
					if (rows === height && columns === width) {
						places.add(call);
						pass(states(values.get('x')!, rows, columns));
					}
				},
			});
			if (head && width !== undefined) {
				pass(states(machine.valueOf('head', head.arguments['x']!, {row: 0}), lengthOf(inputs), width));
			}
		}

		const scores = between.map((product, layer) => -product / (Math.sqrt(squares[layer]! * squares[layer + 1]!) || 1));
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
