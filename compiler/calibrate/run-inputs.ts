/** What a run of a calibration reads: the token ids of a text, which all inputs follow from, or an array for every input. */
import {FILLS} from '../bundle/fills.js';
import {evaluate} from '../graph/dim.js';
import type {Program} from '../plan/program.js';
import type {Sample} from '../samples.js';
import type {Machine, Symbols} from './machine.js';

export type RunInputs = readonly number[] | Sample;

export const isText = (inputs: RunInputs): inputs is readonly number[] => Array.isArray(inputs);

/** A text runs from its beginning. */
export const symbolsOf = (inputs: RunInputs): Symbols => (isText(inputs) ? {batch: 1, sequence: inputs.length, past: 0} : inputs.symbols);

/** What the bounds of a program for these and smaller runs are. */
export const boundsFor = (inputs: RunInputs): Symbols => (isText(inputs) ? {sequence: inputs.length} : inputs.symbols);

/** The first tokens of a text; arrays are one piece. */
export const shorten = (inputs: RunInputs, tokens: number): RunInputs => (isText(inputs) ? inputs.slice(0, tokens) : inputs);

/** Places of `count` of so many runs, evenly spaced; of all where there are fewer. */
export const spread = (length: number, count: number): number[] =>
	Array.from({length: Math.min(length, count)}, (_, index) => Math.floor(((index + 0.5) * length) / Math.min(length, count)));

/** Tokens of a text; arrays count as many as they say. */
export const lengthOf = (inputs: RunInputs): number => symbolsOf(inputs)['sequence'] ?? 1;

/** Writes what a run reads; for a text as the loader would fill it in, and every sequence of a batch is the same. */
export function writeInputs(machine: Machine, program: Program, inputs: RunInputs): void {
	const symbols = symbolsOf(inputs);
	for (const {name, dtype, shape, buffer} of program.inputs) {
		if (buffer === undefined) {
			continue;
		}

		const length = shape.reduce<number>((product, dim) => product * evaluate(dim, symbols), 1);
		machine.write(buffer, dtype, isText(inputs) ? Array.from({length}, (_, index) => fill(name, inputs, index)) : inputs.tensors.get(name)!.data);
	}
}

function fill(name: string, ids: readonly number[], index: number): number {
	switch (FILLS[name]) {
		case 'tokens': {
			return ids[index % ids.length]!;
		}

		case 'positions': {
			return index % ids.length;
		}

		case 'ones': {
			return 1;
		}

		default: {
			return 0;
		}
	}
}
