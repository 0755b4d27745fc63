/**
 * Samples of what any model reads, from a NumPy archive: an array for every input, under its name. Samples lie one behind the other along a
 * dimension of their own in front of the others, or along the first one, where that is the batch or of a fixed size. An array without
 * dimensions is the same for all of them.
 */
import {readFileSync} from 'node:fs';
import {bind, describeShape, fixedSymbols, usesSymbol, valueOf} from '../runtime-wasm/loader/shape.js';
import {dimEntry} from './bundle/dim-entry.js';
import type {DimEntry, Manifest} from './bundle/format.js';
import {SnugError} from './error.js';
import {tableRows, type Graph} from './graph/graph.js';
import type {Tensor} from './graph/tensor.js';
import {readNpz} from './numpy.js';

/** What a model reads. */
export type Inputs = {
	readonly inputs: ReadonlyArray<{
		readonly name: string;
		readonly dtype: string;
		readonly shape: readonly DimEntry[];
		/** Of ids: the rows of their table. */
		readonly rows?: number;
	}>;
	readonly symbols: Manifest['symbols'];
};

export type Sample = {
	/** What the symbols in the inputs' shapes are. */
	readonly symbols: Readonly<Record<string, number>>;
	/** By input. */
	readonly tensors: ReadonlyMap<string, Tensor>;
};

/** Whether a file holds arrays by its name; else it is a text. */
export const holdsArrays = (file: string): boolean => /\.npz$/i.test(file);

/** The inputs of a graph, states aside. */
export const inputsOf = (graph: Graph): Inputs => ({
	inputs: graph.inputs
		.filter(name => !graph.states.some(({input}) => input === name))
		.map(name => {
			const {dtype, shape} = graph.types.get(name)!;
			const rows = tableRows(graph, name);
			return {name, dtype, shape: shape.map(dimEntry), ...(rows === undefined ? {} : {rows})};
		}),
	symbols: graph.symbols,
});

/** @param file A .npz. @param option That names it, for messages. @returns as many as the arrays hold, all of the same dimensions. */
export function readSamples(file: string, option: string, {inputs, symbols: bounds}: Inputs): Sample[] {
	const subject = `${option} '${file}'`;
	const arrays = readNpz(readArchive(file, subject), subject);
	const unknown = [...arrays.keys()].find(array => !inputs.some(({name}) => name === array));
	const missing = inputs.find(({name}) => !arrays.has(name));
	if (unknown !== undefined || missing) {
		throw new SnugError('bad-samples', {
			subject,
			problem: missing ? `has no array for input '${missing.name}'` : `has an array '${unknown}', and the model no such input`,
			expected: inputs.map(describeInput).join(', '),
			found: [...arrays.keys()].join(', ') || 'no array',
			hint: 'save them with numpy.savez, each under the name of its input',
		});
	}

	const cuts = inputs.map(input => cut(input, arrays.get(input.name)!, subject));
	const many = cuts.filter(({shared}) => !shared);
	const count = many[0]?.tensors.length ?? 1;
	if (count === 0 || many.some(({tensors}) => tensors.length !== count)) {
		throw new SnugError('bad-samples', {
			subject,
			problem: count === 0 ? 'holds no sample' : 'holds more samples for one input than for another',
			expected: count === 0 ? 'at least one, better some dozens' : 'as many for each',
			found: many.map(({input: {name}, tensors}) => `${tensors.length} of '${name}'`).join(', '),
		});
	}

	const symbols = bindSymbols(cuts, bounds, subject);
	return Array.from({length: count}, (_, index) => ({
		symbols,
		tensors: new Map(cuts.map(({input: {name}, tensors, shared}) => [name, tensors[shared ? 0 : index]!])),
	}));
}

function readArchive(file: string, subject: string): Uint8Array {
	try {
		return readFileSync(file);
	} catch (error) {
		throw new SnugError('no-samples', {subject, problem: 'it cannot be read', found: (error as Error).message, hint: 'name a .npz file'}, {cause: error});
	}
}

const describeInput = ({name, dtype, shape}: Inputs['inputs'][number]): string => `'${name}' ${dtype} ${describeShape(shape)}`;

/** The samples of one input; one for all where it is shared. */
type Cut = {readonly input: Inputs['inputs'][number]; readonly tensors: readonly Tensor[]; readonly shared: boolean};

function cut(input: Inputs['inputs'][number], {dtype, dims, data}: Tensor, subject: string): Cut {
	const {name, shape, rows} = input;
	const refuse = (problem: string, expected: string, found: string): never => {
		throw new SnugError('bad-samples', {subject: `${subject}, array '${name}'`, problem, expected, found});
	};

	const height = typeof shape[0] === 'number' ? shape[0] : shape[0]?.['batch'] === 1 && Object.keys(shape[0]).length === 1 ? 1 : undefined;
	const expected = `${describeInput(input)}, with all samples along ${height === undefined ? 'one more dimension in front' : 'the first dimension'}`;
	if (dtype !== input.dtype) {
		return refuse('is of another type than the input', expected, dtype);
	}

	const isStacked = dims.length === shape.length + 1;
	if (!isStacked && (dims.length !== shape.length || (dims.length > 0 && height === undefined))) {
		return refuse('has another number of dimensions than the input', expected, `[${dims.join(', ')}]`);
	}

	const stranger = rows === undefined ? -1 : data.findIndex((id: bigint | number) => id < 0 || id >= rows);
	if (stranger >= 0) {
		return refuse(`holds an id that its table does not have, element ${stranger}`, `0 to ${rows! - 1}`, String(data[stranger]));
	}

	if (dims.length === 0) {
		return {input, tensors: [{dtype, dims, data}], shared: true};
	}

	const [first, ...rest] = dims as [number, ...number[]];
	const step = isStacked ? 1 : height!;
	if (first % step !== 0) {
		return refuse('holds part of a sample', `a multiple of ${step} in the first dimension`, String(first));
	}

	const size = first === 0 ? 0 : (data.length / first) * step;
	return {
		input,
		tensors: Array.from({length: first / step}, (_, index) => ({
			dtype,
			dims: isStacked ? rest : [step, ...rest],
			data: data.subarray(index * size, (index + 1) * size),
		})),
		shared: false,
	};
}

function bindSymbols(cuts: readonly Cut[], bounds: Inputs['symbols'], subject: string): Sample['symbols'] {
	const pairs = cuts.map(({input: {name, shape}, tensors}) => ({name, shape, dims: tensors[0]!.dims}));
	const symbols = bind(pairs, fixedSymbols(bounds));
	for (const {name, dims, shape} of pairs) {
		if (shape.some((dim, axis) => valueOf(dim, symbols) !== dims[axis])) {
			throw new SnugError('bad-samples', {
				subject: `${subject}, array '${name}'`,
				problem: 'has samples of other dimensions than the input',
				expected: describeShape(shape),
				found: `[${dims.join(', ')}]`,
			});
		}

		for (const [symbol, {min, max}] of Object.entries(bounds)) {
			const value = symbols[symbol];
			if (value !== undefined && (value < min || value > max) && shape.some(dim => usesSymbol(dim, symbol))) {
				throw new SnugError('bad-samples', {
					subject: `${subject}, array '${name}'`,
					problem: `${symbol} is out of range`,
					expected: `${min} to ${max}`,
					found: String(value),
					hint: `give smaller samples, or compile with --dim ${symbol}=MIN..MAX`,
				});
			}
		}
	}

	return symbols;
}
