/**
 * What codes in place of one weight do to the predictions of the model, all else without loss.
 *
 * Runs stand still before the first use of each weight in turn; copies of them go on to the end with the codes of that weight. So a weight
 * costs only the layers behind it.
 */
import type {GraphWeight} from '../allocate/weights.js';
import {SnugError} from '../error.js';
import {letOthersRun} from '../jobs/pool.js';
import type {KernelCall} from '../plan/program.js';
import type {CalibrateOptions} from './calibrate.js';
import type {FloatModel} from './float-program.js';
import {boundsFor, isText, lengthOf, shorten, spread, symbolsOf, type RunInputs} from './run-inputs.js';
import {createRuns} from './standing-run.js';

/**
 * Tokens of a run; logits are compared at the last half of them, which have seen the first. Shorter windows run together, up to so many
 * tokens. Rows that are looked up come to pass only where their words do: for their sake there are more runs, as many as it takes.
 */
const [RUN_TOKENS, TOKENS, LOOKED_UP_TOKENS] = [128, 512, 1024];

/**
 * Tokens with words of theirs after which no more runs are needed, since frequent words come to pass in any text; where layers cannot be left
 * out, words are not counted, and all runs are. SmolLM2's most frequent bands
 * moved predictions by 0.018 and 0.024 nats in two runs, with 74 and 93 such tokens, and by 0.0026 and 0.0023 with 6 and 4; the last by 0.0074 and
 * 0.0003 with 3 and none.
 */
const ENOUGH_TOKENS = 16;

/** Runs on arrays. */
const ARRAY_RUNS = 8;

/** @param tryOut Is called for each weight in the order of use; `lossOf` says how far predictions move with these values, row-major, in its place. */
export async function tryCodes(
	model: FloatModel,
	windows: readonly RunInputs[],
	tryOut: (weight: GraphWeight, lossOf: (values: Float32Array) => number) => Promise<void> | void,
	{signal, onProgress}: CalibrateOptions = {},
): Promise<void> {
	const {runs, few} = chooseWindows(windows, model.whole);
	const float = model.program(boundsFor(runs[0]!));
	const {entry} = float;
	const machine = await float.open();
	try {
		const open = createRuns(float, machine, symbolsOf(runs[0]!));
		const lookedUp = new Set(entry.calls.flatMap(({arguments: {parts, ids}}) => (parts?.kind === 'parts' && ids ? [parts.weight] : [])));
		const bases = (lookedUp.size > 0 ? runs : runs.slice(0, few)).map(inputs => open(inputs));
		const order = firstUses(model.weights, entry.calls);
		for (const [index, {weight, at}] of order.entries()) {
			signal?.throwIfAborted();
			onProgress?.(index, order.length);
			const rows = lookedUp.has(weight.name) ? weight.name : undefined;
			const trials = bases.slice(0, rows === undefined ? few : bases.length).map(base => base.goOn(at, rows));
			const exact = machine.partsOf(weight.name).map(part => part.slice());
			await tryOut(weight, values => {
				float.setValues(machine, weight, values);
				let [sum, runs, seen] = [0, 0, 0];
				for (let trial = 0; trial < trials.length && (trial < few || seen < ENOUGH_TOKENS); trial++) {
					const {divergence, changed = 0} = trials[trial]!();
					sum += divergence;
					seen += changed;
					runs++;
				}

				const mean = sum / runs;
				return Number.isFinite(mean) ? mean : refuse(weight, mean);
			});
			machine.setWeight(weight.name, exact);
			await letOthersRun();
		}
	} finally {
		machine.close();
	}
}

/** Evenly spaced ones, of which the first `few` are enough for most weights. A long window is one run, of its first tokens where those that follow change nothing for them. */
function chooseWindows(windows: readonly RunInputs[], whole: boolean): {readonly runs: readonly RunInputs[]; readonly few: number} {
	const first = windows[0]!;
	const length = whole ? lengthOf(first) : Math.min(RUN_TOKENS, lengthOf(first));
	const runsOf = (tokens: number): number => (isText(first) ? Math.floor(tokens / length) : ARRAY_RUNS);
	const few = spread(windows.length, length < RUN_TOKENS ? runsOf(TOKENS) : 1);
	const more = spread(windows.length, runsOf(LOOKED_UP_TOKENS)).filter(index => !few.includes(index));
	return {runs: [...few, ...more].map(index => shorten(windows[index]!, length)), few: few.length};
}

function refuse({name}: GraphWeight, distance: number): never {
	throw new SnugError('calibration-not-finite', {
		subject: `weight '${name}'`,
		problem: 'makes the predictions of the calibration something that cannot be compared, when it is encoded coarsely',
		expected: 'finite numbers',
		found: `a distance of ${distance}`,
		hint: 'calibrate on something else, or name --bits instead of --budget',
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
