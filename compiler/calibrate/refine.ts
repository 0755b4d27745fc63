/**
 * Encodes the chosen codes once more, in the order in which the model uses its weights: each sees the inputs that the encoded weights
 * before it produce, and aims at the outputs of the model without loss.
 *
 * What that asks of a weight is in `retarget.ts` (as in ResComp, arXiv 2604.07955, and its precursors); column feedback on the coded inputs does
 * the rest.
 *
 * Two machines, one without loss and one with what is encoded so far, run windows side by side, each stopped at the same product. A weight
 * that is used twice, or looked up by row, is encoded first, from the statistics of the former.
 */
import {openWeight} from '../allocate/weights.js';
import {codecs} from '../codecs/index.js';
import type {Feedback, Weight} from '../codecs/codec.js';
import type {Choice} from '../jobs/job.js';
import {withNewTeam, withTeam} from '../numeric/team.js';
import type {KernelCall, Program} from '../plan/program.js';
import type {CalibrateOptions} from './calibrate.js';
import {letOthersRun} from '../jobs/pool.js';
import {createSampleSize, type SampleSize} from './sample-size.js';
import type {Calibration, Statistics} from './statistics.js';
import type {Arithmetic} from './arithmetic.js';
import {headProducts, productOf, vectorsOf, type FloatModel, type FloatProgram} from './float-program.js';
import {createFeedback, openCalibrated} from './factor.js';
import type {Machine} from './machine.js';
import {findSameInputs} from './same-inputs.js';
import {createRunner, divergenceFrom} from './predictor.js';
import {createRetarget, type Mismatch, type Mismatches, type Retarget} from './retarget.js';
import {boundsFor, lengthOf, spread, symbolsOf, writeInputs, type RunInputs} from './run-inputs.js';

/** The parts of every weight, by name. */
export type Encoded = ReadonlyMap<string, readonly Uint8Array[]>;

export type Refined = {
	readonly parts: Encoded;
	/** How far the predictions on the windows held out are from those without loss, as `divergenceFrom` says; undefined without such windows. */
	readonly loss: number | undefined;
};

/** All windows have one length. */
export type Windows = {
	readonly seen: readonly RunInputs[];
	/** Those that nothing is fitted to. */
	readonly held: readonly RunInputs[];
};

/** Of the activations that stand midway in each machine, at most: windows beyond are left out. */
const STANDING_BYTES = 2 ** 30;

/** @param choices One for each weight. */
export async function refine(
	model: FloatModel,
	choices: readonly Choice[],
	calibration: Calibration,
	{seen, held}: Windows,
	{signal, onProgress}: CalibrateOptions = {},
): Promise<Refined> {
	const first = seen[0]!;
	const [tokens, symbols] = [lengthOf(first), symbolsOf(first)];
	const float = model.program(boundsFor(first));
	const {program, entry, arenaBytes, open} = float;
	const windows = spread(seen.length, Math.max(2, Math.floor(STANDING_BYTES / arenaBytes))).map(index => seen[index]!);
	return withNewTeam(program.threads, async team => {
		// The second copies from the first, which is changed only later.
		const coded = await open();
		const exact = await open().catch((error: unknown) => {
			coded.close();
			throw error;
		});
		// What is computed for one weight, all threads share.
		const together = <T>(work: () => T): T => withTeam(team, work);
		try {
			const encoded = new Map<string, readonly Uint8Array[]>();
			const byName = new Map(model.weights.map((weight, index) => [weight.name, {weight, choice: choices[index]!}]));
			const keep = (weight: Weight, {codec, parameters}: Choice): void => {
				const parts = codecs.get(codec)!.encode(weight, parameters);
				encoded.set(weight.name, parts);
				const values = codecs.get(codec)!.decode(parts, weight, parameters, 0, weight.rows);
				float.setValues(coded, weight, values);
			};

			// Codes without loss have nothing to make up for.
			const steps = stepsOf(program, entry.calls).filter(({weight}) => byName.get(weight)!.choice.codec !== 'dense');
			const inTurn = new Set(steps.map(({weight}) => weight));
			for (const {name} of program.weights.filter(({name}) => !inTurn.has(name))) {
				const {weight, choice} = byName.get(name)!;
				together(() => {
					keep(openCalibrated(weight, calibration.get(name)), choice);
				});
			}

			const runs = windows.map((inputs, window): Run => ({
				inputs,
				half: 2 * window < windows.length ? 0 : 1,
				coded: coded.reserve(arenaBytes),
				exact: exact.reserve(arenaBytes),
			}));
			const most = Math.max(tokens, ...steps.map(({call}) => vectorsOf(call, program)));
			const sums = createSums(coded, model.arithmetic, Math.max(0, ...steps.map(({weight}) => byName.get(weight)!.weight.columns)), most);
			const leaderOf = findSameInputs(entry.calls, headProducts(program));
			const known = new Map<string, Inputs>();
			let from = 0;
			/** What the inputs of a product say, all runs having gone on to it. */
			const lookAt = async ({call, at}: Step, columns: number): Promise<Inputs> => {
				sums.clear(columns);
				/** @returns the address of the inputs. */
				const goOn = async (machine: Machine, arena: number, inputs: RunInputs): Promise<number> => {
					signal?.throwIfAborted();
					await letOthersRun();
					writeInputs(machine, program, inputs);
					machine.run(entry.name, symbols, {first: from, end: at ?? entry.calls.length, arena});
					return at === undefined ? machine.valueOf('head', call.arguments['x']!, {row: 0}) : machine.valueOf(entry.name, call.arguments['x']!, symbols, arena);
				};

				const vectors = at === undefined ? tokens : call.arguments['tokens'] ? exact.valueOf(entry.name, call.arguments['tokens'], symbols) : 1;
				// One machine after the other: the threads of one that waits look for work for a while, and would keep those of the other from it. What
				// lies outside the arena of its window, as the inputs of the logits do, is written over by the next one.
				const wanted = new Map<Run, Float32Array>();
				for (const run of runs) {
					const address = await goOn(exact, run.exact, run.inputs);
					const inputs = new Float32Array(exact.kernels.memory.buffer, address, vectors * columns);
					wanted.set(run, address >= run.exact && address < run.exact + arenaBytes ? inputs : inputs.slice());
				}

				for (const run of runs) {
					const address = await goOn(coded, run.coded, run.inputs);
					sums.add(address, wanted.get(run)!, run.half);
				}

				from = at ?? entry.calls.length;
				const {mismatches, ...statistics} = sums.finish();
				const feedback = createFeedback(statistics, columns);
				let retarget: Retarget | undefined;
				return {
					feedback,
					retarget(weight) {
						retarget ??= createRetarget(mismatches, feedback.byEnergy, model.arithmetic);
						return retarget(weight);
					},
				};
			};

			for (const [index, step] of steps.entries()) {
				onProgress?.(index, steps.length);
				const {weight, choice} = byName.get(step.weight)!;
				const leader = leaderOf(step.weight);
				const inputs = known.get(leader) ?? (await lookAt(step, weight.columns));
				if (steps.slice(index + 1).some(other => leaderOf(other.weight) === leader)) {
					known.set(leader, inputs);
				} else {
					known.delete(leader);
				}

				const {feedback, retarget} = inputs;
				const opened = openWeight(weight);
				together(() => {
					// Codes of a file stay what they are, where the code can hold them.
					const target = opened.quantized ? opened : retarget(opened);
					keep({...target, feedback}, choice);
				});
				await letOthersRun();
			}

			return {parts: encoded, loss: measureLoss(float, exact, coded, held, signal)};
		} finally {
			exact.close();
			coded.close();
		}
	});
}

/** The mean over windows. */
function measureLoss(float: FloatProgram, exact: Machine, coded: Machine, windows: Windows['held'], signal?: AbortSignal): number | undefined {
	const [first] = windows;
	if (!first) {
		return undefined;
	}

	const [reference, actual] = [createRunner(float, exact, symbolsOf(first)), createRunner(float, coded, symbolsOf(first))];
	const total = windows.reduce((sum, inputs) => {
		signal?.throwIfAborted();
		return sum + divergenceFrom(reference(inputs), float.program.sliced !== undefined)(actual(inputs));
	}, 0);
	return total / windows.length;
}

type Step = {readonly weight: string; readonly call: KernelCall; /** The call's place in the entry; undefined in the entry of logits. */ readonly at?: number};

/** The products, in order, of weights that are used for nothing else. */
function stepsOf(program: Program, calls: readonly KernelCall[]): Step[] {
	const uses = new Map<string, number>();
	const all = [...calls, ...(program.entries.find(({name}) => name === 'head')?.calls ?? [])];
	for (const {arguments: values} of all) {
		for (const argument of Object.values(values)) {
			if (argument.kind === 'parts') {
				uses.set(argument.weight, (uses.get(argument.weight) ?? 0) + 1);
			}
		}
	}

	const steps: Step[] = [
		...calls.flatMap((call, at) => {
			const weight = productOf(call);
			return weight === undefined ? [] : [{weight, call, at}];
		}),
		...headProducts(program).map(call => ({weight: productOf(call)!, call})),
	];
	return steps.filter(({weight}) => uses.get(weight) === 1);
}

/** A window that stands still midway: where its activations lie in the encoded model and in that without loss. */
type Run = {readonly inputs: RunInputs; readonly half: 0 | 1; readonly coded: number; readonly exact: number};

/** What is known of the inputs of a product. */
type Inputs = {readonly feedback: Feedback; readonly retarget: Retarget};

type Sums = {
	clear(columns: number): void;
	/** @param coded The address of as many inputs in the encoded model as `exact` has without loss. */
	add(coded: number, exact: Float32Array, half: 0 | 1): void;
	/** H as a mean over the vectors, and what each half lacks. */
	finish(): Statistics & {readonly mismatches: Mismatches};
};

function createSums({kernels, reserve, reserveEach}: Machine, {gram: gramKernel, crossGram, scratchOf}: Arithmetic, widest: number, most: number): Sums {
	const square = 4 * widest * widest;
	const [inputs, ...matrices] = [reserve(4 * widest * most), reserve(square), reserve(square), reserve(square)] as [number, ...number[]];
	const [gram, ...crosses] = matrices as [number, number, number];
	const scratch = reserveEach(2 * scratchOf(widest, most));
	let columns = 0;
	let size: SampleSize;
	let counts = [0, 0];
	const view = (address: number, length: number): Float32Array => new Float32Array(kernels.memory.buffer, address, length);
	return {
		clear(width) {
			columns = width;
			size = createSampleSize(columns);
			counts = [0, 0];
			for (const matrix of matrices) {
				view(matrix, columns * columns).fill(0);
			}
		},
		add(coded, exact, half) {
			const vectors = exact.length / columns;
			kernels.call(gramKernel, gram, coded, scratch, vectors, columns);
			size.add(view(coded, exact.length));
			view(inputs, exact.length).set(exact);
			kernels.call(crossGram, crosses[half], coded, inputs, scratch, vectors, columns);
			counts[half]! += vectors;
		},
		finish() {
			kernels.call('mirror_f32', gram, columns, 1);
			const mean = (address: number, count: number): Float32Array => divided(view(address, columns * columns), count || 1);
			const [first, second] = crosses.map((cross, half): Mismatch => ({mismatch: mean(cross, counts[half]!), tokens: counts[half]!})) as [Mismatch, Mismatch];
			return {sampleSize: size.effective(), gram: mean(gram, first.tokens + second.tokens), mismatches: [first, second]};
		},
	};
}

/** A loop: what is handed to `map` is a number on the heap each time. */
function divided(values: Float32Array, divisor: number): Float32Array {
	const out = new Float32Array(values.length);
	for (let i = 0; i < values.length; i++) {
		out[i] = values[i]! / divisor;
	}

	return out;
}
