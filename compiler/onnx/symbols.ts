/**
 * Dimensions of the inputs: texts of the file become expressions over symbols with canonical names (`batch`, `sequence`, `past`).
 *
 * What an axis *is* counts for more than what the exporter called it: axis 1 of `input_ids` is `sequence`, the growing axis of a state
 * is `past`, an attention mask covers both. A symbol must stand alone as some input's dimension, or nobody could tell its value at run
 * time; texts that break this, and dimensions without a name, become symbols `INPUT_axisN`.
 */
import * as dim from '../graph/dim.js';
import type {Dim} from '../graph/dim.js';
import type {State} from '../graph/graph.js';
import {createNames} from '../graph/names.js';
import type {DeclaredDim} from './value-type.js';

export type InputDims = ReadonlyMap<string, readonly DeclaredDim[]>;

export type NamedDims = {
	readonly shapes: ReadonlyMap<string, readonly Dim[]>;
	/** The canonical symbol behind each name of the file. */
	readonly aliases: ReadonlyMap<string, string>;
};

const batchNames = new Set(['batch', 'batch_size', 'batchsize', 'batch_dim', 'n', 'bs']);
const sequenceNames = new Set(['sequence', 'sequence_length', 'seq_len', 'seq_length', 'seqlen', 'sequence_len', 'seq']);
const pastNames = new Set(['past', 'past_sequence_length', 'past_seq_len', 'past_length', 'past_len', 'past_decoder_sequence_length']);

/** Inputs whose axes are batch and sequence, the best witness first. */
const tokenInputs = ['input_ids', 'decoder_input_ids', 'inputs_embeds', 'decoder_inputs_embeds', 'position_ids', 'token_type_ids'];

export function nameDims(inputs: InputDims, states: readonly State[]): NamedDims {
	const parsed = new Map([...inputs].map(([name, dims]) => [name, dims.map(parseDim)] as const));
	const aliases = new Map<string, string>();
	const owner = new Map<string, string>();
	const assign = (found: Dim | undefined, canonical: string, shared = false): void => {
		const name = plainSymbol(found);
		if (name !== undefined && !aliases.has(name) && (shared || !owner.has(canonical))) {
			aliases.set(name, canonical);
			owner.set(canonical, name);
		}
	};

	// What axes are.
	for (const {input, axis} of states) {
		assign(axis === undefined ? undefined : parsed.get(input)?.[axis], 'past', true);
	}

	const tokens = tokenInputs.find(name => (inputs.get(name)?.length ?? 0) >= 2);
	if (tokens !== undefined) {
		assign(parsed.get(tokens)?.[0], 'batch', true);
		assign(parsed.get(tokens)?.[1], 'sequence');
	}

	// What they are called.
	for (const name of allSymbols(parsed)) {
		const text = name.toLowerCase();
		assign(dim.symbol(name), batchNames.has(text) ? 'batch' : sequenceNames.has(text) ? 'sequence' : pastNames.has(text) ? 'past' : '', batchNames.has(text));
	}

	aliases.forEach((canonical, name) => canonical === '' && aliases.delete(name));
	keepOthersApart(allSymbols(parsed), aliases);

	const rename = Object.fromEntries([...aliases].map(([name, canonical]) => [name, dim.symbol(canonical)] as const));
	const shapes = new Map(
		[...parsed].map(([name, dims]) => [name, dims.map(found => (found === undefined ? undefined : dim.substitute(found, rename)))] as const),
	);
	for (const {input, axis} of states) {
		const shape = shapes.get(input);
		if (shape && axis !== undefined && shape[axis] === undefined) {
			shape[axis] = dim.symbol('past');
		}
	}

	coverPast(shapes, tokens);
	return {shapes: closeShapes(inputs, shapes), aliases};
}

const parseDim = (declared: DeclaredDim): Dim | undefined => (typeof declared === 'string' ? dim.parse(declared) : declared);

const plainSymbol = (found: Dim | undefined): string | undefined => {
	const [name] = found === undefined ? [] : dim.symbolsOf(found);
	return name !== undefined && dim.equal(found!, dim.symbol(name)) ? name : undefined;
};

const allSymbols = (shapes: ReadonlyMap<string, ReadonlyArray<Dim | undefined>>): string[] => [
	...new Set([...shapes.values()].flat().flatMap(found => (found === undefined ? [] : dim.symbolsOf(found)))),
];

/** A symbol of the file that has a canonical name without its meaning gets another one. */
function keepOthersApart(symbols: readonly string[], aliases: Map<string, string>): void {
	const names = createNames([...symbols, ...aliases.values()]);
	for (const name of symbols) {
		if (!aliases.has(name) && [...aliases.values()].includes(name)) {
			aliases.set(name, names.fresh(name));
		}
	}
}

/** The mask of a model with a cache covers the cached positions and the new ones, whatever its axis is called. */
function coverPast(shapes: ReadonlyMap<string, Array<Dim | undefined>>, tokens: string | undefined): void {
	const mask = shapes.get('attention_mask') ?? shapes.get('decoder_attention_mask');
	const sequence = tokens === undefined ? undefined : shapes.get(tokens)?.[1];
	const hasPast = allSymbols(shapes).includes('past');
	if (mask?.length !== 2 || sequence === undefined || typeof mask[1] === 'number') {
		return;
	}

	const total = hasPast ? dim.add(dim.symbol('past'), sequence) : sequence;
	const name = plainSymbol(mask[1]);
	mask[1] = total;
	if (name !== undefined && name !== 'sequence' && name !== 'past') {
		for (const shape of shapes.values()) {
			shape.forEach((found, axis) => found !== undefined && (shape[axis] = dim.substitute(found, {[name]: total})));
		}
	}
}

/** Gives a symbol to every dimension that has no expression, or one that could not be told from the inputs. */
function closeShapes(inputs: InputDims, shapes: ReadonlyMap<string, ReadonlyArray<Dim | undefined>>): Map<string, Dim[]> {
	const told = new Set([...shapes.values()].flat().map(plainSymbol));
	const names = createNames(allSymbols(shapes));
	const byText = new Map<string, Dim>();
	return new Map(
		[...shapes].map(([name, shape]) => [
			name,
			shape.map((found, axis) => {
				if (found !== undefined && dim.symbolsOf(found).every(symbol => told.has(symbol))) {
					return found;
				}

				const declared = inputs.get(name)![axis];
				const known = typeof declared === 'string' ? byText.get(declared) : undefined;
				const fresh = known ?? dim.symbol(names.fresh(`${name.replace(/\W/g, '_')}_axis${axis}`));
				if (typeof declared === 'string') {
					byText.set(declared, fresh);
				}

				return fresh;
			}),
		]),
	);
}
