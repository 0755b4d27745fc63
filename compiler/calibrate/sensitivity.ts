/**
 * What an error in one weight does to the model: the divergence of its predictions when that weight alone is encoded, for each unit of
 * squared error of the weight's own outputs. There are no gradients at compile time, so it is measured forward.
 *
 * A base run in f32 stands still before each product in turn; a copy of it goes on to the end with that weight encoded. So a weight
 * costs only the layers behind it.
 */
import type {GraphWeight} from '../allocate/weights.js';
import {codecs} from '../codecs/index.js';
import {quadratic, squares} from '../codecs/measure.js';
import type {Codec} from '../codecs/codec.js';
import {SnugError} from '../error.js';
import type {KernelCall} from '../plan/program.js';
import type {CalibrateOptions} from './calibrate.js';
import {letOthersRun} from '../jobs/pool.js';
import {openCalibrated} from './factor.js';
import {denseParts, partsOfValues, symbolsOf, writeInputs, type FloatModel} from './float-program.js';
import type {Calibration, Sensitivities} from './statistics.js';
import {createPredictor, divergence} from './predictor.js';

/** Tokens of the run; predictions are compared at the last half of them, which have seen the first. */
const TOKENS = 128;

/** The code whose error is tried: coarse enough to be far above rounding, fine enough for losses to add up. */
const PROBE = {codec: 'planes', parameters: {bits: 3, group: 64}, narrow: {bits: 3, group: 32}} as const;

export async function measureSensitivities(
	model: FloatModel,
	calibration: Calibration,
	windows: ReadonlyArray<readonly number[]>,
	{signal, onProgress}: CalibrateOptions = {},
): Promise<Sensitivities> {
	const ids = windows[windows.length >> 1]!.slice(0, TOKENS);
	const float = model.program(ids.length);
	const {program, entry, arenaBytes} = float;
	const machine = await float.open();
	try {
		const symbols = symbolsOf(ids.length);
		const [base, copy] = [machine.reserve(arenaBytes), machine.reserve(arenaBytes)];
		const predict = createPredictor(float, machine, ids.length);
		const run = (first: number, arena: number, end?: number): void => {
			writeInputs(machine, program, ids);
			machine.run(entry.name, symbols, {first, arena, ...(end === undefined ? {} : {end})});
		};

		run(0, base);
		const reference = predict();
		let from = 0;
		const sensitivities = new Map<string, number>();
		const order = firstUses(model.weights, entry.calls);
		for (const [index, {weight, at}] of order.entries()) {
			signal?.throwIfAborted();
			onProgress?.(index, order.length);
			run(from, base, at);
			from = at;
			const {error, parts, exact} = probe(weight, calibration);
			machine.setWeight(weight.name, parts);
			new Uint8Array(machine.kernels.memory.buffer).copyWithin(copy, base, base + arenaBytes);
			run(at, copy);
			const distance = divergence(reference, predict(), program.sliced !== undefined);
			if (!Number.isFinite(distance)) {
				throw new SnugError('calibration-not-finite', {
					subject: `weight '${weight.name}'`,
					problem: 'makes the predictions on the calibration text something that cannot be compared, when it is encoded coarsely',
					expected: 'finite numbers',
					found: `a distance of ${distance}`,
					hint: 'use another text, or name --bits instead of --budget',
				});
			}

			sensitivities.set(weight.name, Math.max(distance, LEAST) / error);
			machine.setWeight(weight.name, exact);
			await letOthersRun();
		}

		return sensitivities;
	} finally {
		machine.close();
	}
}

/** The weight in f32, with the error of the probe and without it, and what the error costs its own outputs. */
function probe(
	weight: GraphWeight,
	calibration: Calibration,
): {readonly error: number; readonly parts: readonly Uint8Array[]; readonly exact: readonly Uint8Array[]} {
	const statistics = calibration.get(weight.name);
	const opened = openCalibrated(weight, statistics);
	const {rows, columns} = weight;
	const codec = codecs.get(PROBE.codec) as Codec;
	const parameters = columns < 64 ? PROBE.narrow : PROBE.parameters;
	const values = codec.decode(codec.encode(opened, parameters), weight, parameters, 0, rows);
	const exact = opened.read(0, rows);
	// A sample of rows stands for all, as where options are measured.
	const step = Math.max(1, Math.floor(rows / SAMPLE_ROWS));
	const sample = new Float32Array(Math.ceil(rows / step) * columns);
	for (let row = 0, at = 0; row < rows; row += step) {
		for (let column = 0; column < columns; column++) {
			sample[at++] = exact[row * columns + column]! - values[row * columns + column]!;
		}
	}

	const error = ((statistics ? quadratic(sample, statistics.gram, columns) : squares(sample)) * rows) / (sample.length / columns);
	return {
		error: error || 1,
		exact: denseParts(opened),
		parts: partsOfValues(weight, values),
	};
}

const SAMPLE_ROWS = 128;

/** A divergence that is taken for nothing: less is rounding, and a loss of nothing would buy no bits at all. */
const LEAST = 1e-7;

type Placed = {readonly weight: GraphWeight; readonly at: number};

/** The weights by the first call that reads them; the entry of logits comes after all. */
function firstUses(weights: readonly GraphWeight[], calls: readonly KernelCall[]): Placed[] {
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
