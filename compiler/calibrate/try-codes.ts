/**
 * What codes in place of one weight do to the predictions of the model, all else in f32.
 *
 * A base run stands still before the first use of each weight in turn; copies of it go on to the end with the codes of that weight. So a
 * weight costs only the layers behind it.
 */
import type {GraphWeight} from '../allocate/weights.js';
import {SnugError} from '../error.js';
import {letOthersRun} from '../jobs/pool.js';
import type {KernelCall} from '../plan/program.js';
import type {CalibrateOptions} from './calibrate.js';
import {partsOfValues, symbolsOf, writeInputs, type FloatModel} from './float-program.js';
import {createPredictor, divergenceFrom} from './predictor.js';

/**
 * Tokens of a run; logits are compared at the last half of them, which have seen the first. Shorter windows run together, up to so many
 * tokens. Rows that are looked up come to pass only where their words do: for their sake there are more runs.
 */
const [RUN_TOKENS, TOKENS, LOOKED_UP_TOKENS] = [128, 512, 1024];

/** @param tryOut Is called for each weight in the order of use; `lossOf` says how far predictions move with these values, row-major, in its place. */
export async function tryCodes(
	model: FloatModel,
	windows: ReadonlyArray<readonly number[]>,
	tryOut: (weight: GraphWeight, lossOf: (values: Float32Array) => number) => Promise<void> | void,
	{signal, onProgress}: CalibrateOptions = {},
): Promise<void> {
	const {runs, few} = chooseWindows(windows, model.whole);
	const tokens = runs[0]!.length;
	const float = model.program(tokens);
	const {program, entry, arenaBytes} = float;
	const machine = await float.open();
	try {
		const symbols = symbolsOf(tokens);
		const copy = machine.reserve(arenaBytes);
		const predict = createPredictor(float, machine, tokens);
		const run = (ids: readonly number[], first: number, arena: number, end?: number): void => {
			writeInputs(machine, program, ids);
			machine.run(entry.name, symbols, {first, arena, ...(end === undefined ? {} : {end})});
		};

		const lookedUp = new Set(entry.calls.flatMap(({arguments: {parts, ids}}) => (parts?.kind === 'parts' && ids ? [parts.weight] : [])));
		const bases = (lookedUp.size > 0 ? runs : runs.slice(0, few)).map(ids => {
			const base = machine.reserve(arenaBytes);
			run(ids, 0, base);
			return {ids, base, divergence: divergenceFrom(predict(), program.sliced !== undefined)};
		});
		let from = 0;
		const order = firstUses(model.weights, entry.calls);
		for (const [index, {weight, at}] of order.entries()) {
			signal?.throwIfAborted();
			onProgress?.(index, order.length);
			for (const {ids, base} of bases) {
				run(ids, from, base, at);
			}

			from = at;
			const asked = lookedUp.has(weight.name) ? bases : bases.slice(0, few);
			const exact = machine.partsOf(weight.name).map(part => part.slice());
			await tryOut(weight, values => {
				machine.setWeight(weight.name, partsOfValues(weight, values));
				let sum = 0;
				for (const {ids, base, divergence} of asked) {
					new Uint8Array(machine.kernels.memory.buffer).copyWithin(copy, base, base + arenaBytes);
					run(ids, at, copy);
					sum += divergence(predict());
				}

				return Number.isFinite(sum) ? sum / asked.length : refuse(weight, sum);
			});
			machine.setWeight(weight.name, exact);
			await letOthersRun();
		}
	} finally {
		machine.close();
	}
}

/** Evenly spaced ones, of which the first `few` are enough for most weights. A long window is one run, of its first tokens where those that follow change nothing for them. */
function chooseWindows(windows: ReadonlyArray<readonly number[]>, whole: boolean): {readonly runs: ReadonlyArray<readonly number[]>; readonly few: number} {
	const length = whole ? windows[0]!.length : Math.min(RUN_TOKENS, windows[0]!.length);
	const pick = (count: number): Array<readonly number[]> =>
		Array.from({length: count}, (_, index) => windows[Math.floor(((index + 0.5) * windows.length) / count)]!.slice(0, length));
	const few = pick(length < RUN_TOKENS ? Math.min(windows.length, Math.floor(TOKENS / length)) : 1);
	const more = pick(Math.min(windows.length, Math.floor(LOOKED_UP_TOKENS / length))).filter(window => !few.some(other => other.join() === window.join()));
	return {runs: [...few, ...more], few: few.length};
}

function refuse({name}: GraphWeight, distance: number): never {
	throw new SnugError('calibration-not-finite', {
		subject: `weight '${name}'`,
		problem: 'makes the predictions on the calibration text something that cannot be compared, when it is encoded coarsely',
		expected: 'finite numbers',
		found: `a distance of ${distance}`,
		hint: 'use another text, or name --bits instead of --budget',
	});
}

type Placed = {readonly weight: GraphWeight; readonly at: number};

/** The weights by the first call that reads them; the entry of logits comes after all. */
export function firstUses(weights: readonly GraphWeight[], calls: readonly KernelCall[]): Placed[] {
	const first = new Map<string, number>();
	for (const [at, {arguments: values}] of calls.entries()) {
		for (const argument of Object.values(values)) {
			if (argument.kind === 'parts' && !first.has(argument.weight)) {
				first.set(argument.weight, at);
			}
		}
	}

	return weights.map(weight => ({weight, at: first.get(weight.name) ?? calls.length})).sort((a, b) => a.at - b.at);
}
