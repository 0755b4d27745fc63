/** What a model in f32 predicts, read out of a machine after a run, and how far two predictions are from each other. */
import {kullbackLeibler, logSumExp} from '../evaluate.js';
import {evaluate} from '../graph/dim.js';
import type {FloatProgram} from './float-program.js';
import {productOf, symbolsOf} from './float-program.js';
import type {Machine} from './machine.js';

/** Rows of logits, or every output of floats as one row. */
export type Prediction = readonly Float32Array[];

/** @param tokens Of the runs. @param first Token whose logits come first: unless given those of the last half, which have seen the others. */
export function createPredictor({program, plan}: FloatProgram, machine: Machine, tokens: number, first = tokens >> 1): () => Prediction {
	const {memory} = machine.kernels;
	const head = program.entries.find(({name}) => name === 'head');
	if (!head) {
		const outputs = program.outputs.filter(({dtype, buffer}) => dtype === 'float32' && buffer !== undefined);
		return () =>
			outputs.map(({buffer, shape}) => {
				const length = shape.reduce<number>((product, dim) => product * evaluate(dim, symbolsOf(tokens)), 1);
				return new Float32Array(memory.buffer, plan.fixed.get(buffer!)!.address, length).slice();
			});
	}

	const count = tokens - first;
	const [call] = head.calls;
	const {rows, columns} = program.weights.find(({name}) => name === productOf(call!)) ?? {rows: 0, columns: 0};
	if (head.calls.length === 1 && rows > 0) {
		// The entry takes a row at a time; a product of many vectors reads the weight once.
		const y = machine.reserve(4 * rows * count);
		const value = (name: string): number => machine.valueOf('head', call!.arguments[name]!, {row: first});
		return () => {
			machine.kernels.call('tile_dense_f32', y, value('x'), value('parts'), 0, 0, count, rows, columns);
			return Array.from({length: count}, (_, index) => new Float32Array(memory.buffer, y + 4 * rows * index, rows).slice());
		};
	}

	const logits = program.outputs.find(({name}) => name === program.sliced)!;
	const vocabulary = logits.shape.at(-1) as number;
	return () =>
		Array.from({length: count}, (_, index) => {
			machine.run('head', {row: first + index});
			return new Float32Array(memory.buffer, plan.fixed.get(logits.buffer!)!.address, vocabulary).slice();
		});
}

/** For logits the mean Kullback-Leibler divergence in nats, else half the squared distance relative to the reference. */
export function divergence(reference: Prediction, other: Prediction, logits: boolean): number {
	if (logits) {
		return reference.reduce((sum, row, index) => sum + kullbackLeibler(row, other[index]!, logSumExp(other[index]!)), 0) / reference.length;
	}

	let [distance, size] = [0, 0];
	for (const [index, row] of reference.entries()) {
		for (const [at, value] of row.entries()) {
			distance += (value - other[index]![at]!) ** 2;
			size += value * value;
		}
	}

	return distance / (2 * size || 1);
}
