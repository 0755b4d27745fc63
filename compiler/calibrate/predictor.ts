/** What a model without loss predicts, read out of a machine after a run, and how far two predictions are from each other. */
import {SnugError} from '../error.js';
import {evaluate} from '../graph/dim.js';
import {meanDivergence} from '../numeric/divergence.js';
import type {FloatProgram} from './float-program.js';
import {kernelsOf} from './arithmetic.js';
import {headProducts} from './float-program.js';
import type {KernelCall, Program} from '../plan/program.js';
import type {Machine, Symbols} from './machine.js';
import {writeInputs, type RunInputs} from './run-inputs.js';

/** Rows of logits, or every output of floats as one row. */
export type Prediction = readonly Float32Array[];

/** @param symbols Of the runs. @param first Token whose logits come first: unless given those of the last half, which have seen the others. */
export function createPredictor(
	{program, plan, arithmetic}: FloatProgram,
	machine: Machine,
	symbols: Symbols,
	first = (symbols['sequence'] ?? 0) >> 1,
): () => Prediction {
	const {memory} = machine.kernels;
	const head = program.entries.find(({name}) => name === 'head');
	if (!head) {
		const outputs = program.outputs.filter(({dtype, buffer}) => dtype === 'float32' && buffer !== undefined);
		if (outputs.length === 0) {
			throw new SnugError('cannot-calibrate', {
				subject: 'the outputs of the model',
				problem: 'do not say how far a change of weights moves them',
				expected: 'an output of float32',
				found: program.outputs.map(({name, dtype}) => `'${name}' ${dtype}`).join(', '),
				hint: 'compile with --calibration none',
			});
		}

		return () =>
			outputs.map(({buffer, shape}) => {
				const length = shape.reduce<number>((product, dim) => product * evaluate(dim, symbols), 1);
				return new Float32Array(memory.buffer, plan.fixed.get(buffer!)!.address, length).slice();
			});
	}

	const count = symbols['sequence']! - first;
	const products = logitProducts(program);
	if (products.length > 0) {
		// The entry takes a row at a time; products of many vectors read a weight once. Logits are those of the products, one after the other.
		const places = products.map(({arguments: {x, parts}}) => {
			const {rows, columns} = program.weights.find(({name}) => parts?.kind === 'parts' && name === parts.weight)!;
			return {x: x!, parts: parts!, rows, columns, y: machine.reserve(4 * rows * count)};
		});
		const {tile} = kernelsOf(arithmetic);
		const scratch = machine.reserveEach(Math.max(...places.map(shape => tile.scratch(shape))));
		const vocabulary = places.reduce((sum, {rows}) => sum + rows, 0);
		return () => {
			const logits = Array.from({length: count}, () => new Float32Array(vocabulary));
			let from = 0;
			for (const {x, parts, rows, columns, y} of places) {
				const [inputs, weight] = [x, parts].map(argument => machine.valueOf('head', argument, {row: first})) as [number, number];
				machine.kernels.call(tile.kernel, y, inputs, weight, 0, scratch, count, rows, columns);
				for (const [index, row] of logits.entries()) {
					row.set(new Float32Array(memory.buffer, y + 4 * rows * index, rows), from);
				}

				from += rows;
			}

			return logits;
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

/** Runs the model on inputs of these symbols, from its beginning, and says what it predicts. @param first As of `createPredictor`. */
export function createRunner(float: FloatProgram, machine: Machine, symbols: Symbols, first?: number): (inputs: RunInputs) => Prediction {
	const predict = createPredictor(float, machine, symbols, first);
	return inputs => {
		writeInputs(machine, float.program, inputs);
		machine.run(float.entry.name, symbols);
		return predict();
	};
}

/** The products that give the logits as they are, one after the other; none where there is more to them, a scale for example. */
export function logitProducts(program: Program): readonly KernelCall[] {
	const products = headProducts(program);
	const calls = program.entries.find(({name}) => name === 'head')?.calls ?? [];
	return calls.every(call => products.includes(call) || isCopy(call)) ? products : [];
}

/** Whether a call only moves what others made, as where bands of logits become one. */
const isCopy = ({kernel}: KernelCall): boolean => kernel.startsWith('copy_');

/** Of other predictions from the reference: for logits the mean Kullback-Leibler divergence in nats, else half the squared distance relative to the reference. */
export function divergenceFrom(reference: Prediction, logits: boolean): (other: Prediction) => number {
	if (logits) {
		return other => meanDivergence(reference, other);
	}

	return other => {
		let [distance, size] = [0, 0];
		for (const [index, row] of reference.entries()) {
			for (const [at, value] of row.entries()) {
				distance += (value - other[index]![at]!) ** 2;
				size += value * value;
			}
		}

		return distance / (2 * size || 1);
	};
}
