/**
 * From what the caller feeds to what each call of the program reads: names, types and dimensions are checked, symbols bound, inputs
 * that the loader makes itself are made, and long sequences cut into chunks.
 */
import type {PortEntry} from '../../compiler/bundle/format.js';
import {SnugError} from '../../compiler/error.js';
import type {Bundle} from './manifest.js';
import {bind, describeShape, fixedSymbols, usesSymbol, valueOf, type Bindings} from './shape.js';
import {filled, inputError, sizeOf, sliceAxis, toElements, type Elements, type Wanted} from './tensor.js';
import type {DataType, Feed} from './types.js';

export type Prepared = {
	readonly inputs: ReadonlyMap<string, Elements>;
	/** Contents of the states, by input name. */
	readonly states: ReadonlyMap<string, Elements>;
	/** `past` and `sequence` are those of the whole call. */
	readonly bindings: Bindings;
};

/** `past` is what the call continues from; states that are fed say so themselves. */
export function prepare(bundle: Bundle, feeds: Readonly<Record<string, Feed>>, past: number): Prepared {
	const {inputs, states, symbols, positions} = bundle;
	const known = new Map<string, Wanted>([
		...inputs.map(port => [port.name, port] as const),
		...states.map(state => [state.input, {...state, name: state.input}] as const),
	]);
	const unknown = Object.keys(feeds).find(name => !known.has(name));
	if (unknown !== undefined) {
		throw inputError(unknown, 'the model has no such input', {expected: [...known.keys()].slice(0, 8).join(', ') + (known.size > 8 ? ', …' : '')});
	}

	const given = new Map(Object.entries(feeds).map(([name, feed]) => [name, toElements(feed, known.get(name)!)]));
	const missing = inputs.filter(({name, address, fill}) => !given.has(name) && address >= 0 && (fill === undefined || fill === 'tokens'));
	if (missing.length > 0) {
		throw inputError(missing[0]!.name, 'not given', {
			expected: missing.map(({name, dtype, shape}) => `'${name}' ${dtype} ${describeShape(shape)}`).join(' and '),
		});
	}

	const fedStates = new Map(states.flatMap(state => (given.has(state.input) ? [[state.input, given.get(state.input)!] as const] : [])));
	const start = positions === 0 ? {} : {past: fedStates.size > 0 ? pastOf(bundle, fedStates) : past};
	const pairs = [...given].map(([name, {dims}]) => ({name, shape: known.get(name)!.shape, dims}));
	const bindings = withBatch(bind(pairs, {...fixedSymbols(symbols), ...start}), symbols);
	for (const {name, shape, dims} of pairs) {
		const expected = shape.map(dim => valueOf(dim, bindings));
		if (expected.some((dim, axis) => dim !== dims[axis])) {
			const values = shape.some(dim => typeof dim !== 'number') ? ` = [${expected.map(dim => dim ?? '?').join(', ')}]` : '';
			throw inputError(name, 'wrong dimensions', {expected: `${describeShape(shape)}${values}`, found: `[${dims.join(', ')}]`});
		}
	}

	checkBounds(bundle, bindings, pairs);
	return {inputs: new Map([...given].filter(([name]) => !fedStates.has(name))), states: fedStates, bindings};
}

const withBatch = (bindings: Record<string, number>, symbols: Bundle['symbols']): Record<string, number> =>
	symbols['batch'] !== undefined && bindings['batch'] === undefined ? {...bindings, batch: 1} : bindings;

function pastOf({states}: Bundle, fed: ReadonlyMap<string, Elements>): number {
	const lengths = new Set([...fed].map(([name, {dims}]) => dims[states.find(({input}) => input === name)!.axis]!));
	const [length = 0] = lengths;
	if (lengths.size > 1) {
		throw new SnugError('bad-input', {subject: 'past inputs', problem: 'of different lengths', found: [...lengths].join(', ')});
	}

	const missing = states.find(({input}) => !fed.has(input));
	if (missing && length > 0) {
		throw inputError(missing.input, 'not given, while other past inputs are', {hint: 'give all of them or none'});
	}

	return length;
}

/** The sequence of a model with state may be longer than a call takes: it is cut. */
function checkBounds(
	{symbols, positions}: Bundle,
	bindings: Bindings,
	pairs: ReadonlyArray<{readonly name: string; readonly shape: PortEntry['shape']}>,
): void {
	for (const [symbol, {min, max}] of Object.entries(symbols)) {
		const value = bindings[symbol];
		const cut = positions > 0 && (symbol === 'sequence' || symbol === 'past');
		if (value !== undefined && !cut && (value < min || value > max)) {
			const culprit = pairs.find(({shape}) => shape.some(dim => usesSymbol(dim, symbol)));
			throw inputError(culprit?.name ?? symbol, `${symbol} is out of range`, {
				expected: `${min} to ${max}`,
				found: String(value),
				hint: 'compile with other limits for more',
			});
		}
	}

	if (positions > 0) {
		const {past = 0, sequence} = bindings;
		if (sequence === undefined || sequence < 1) {
			throw new SnugError('bad-input', {subject: 'inputs', problem: 'no sequence', expected: 'at least one token', found: String(sequence ?? 'none')});
		}

		if (past + sequence > positions) {
			throw new SnugError('state-full', {
				subject: 'state',
				problem: 'the sequence does not fit',
				expected: `at most ${positions} positions`,
				found: `${past} held and ${sequence} new`,
				hint: 'call reset(), shorten the input, or compile with a larger --max-sequence',
			});
		}
	}
}

/** The elements of a port for `count` tokens from token `from` of the call. */
export function inputFor(port: PortEntry, {inputs, bindings}: Prepared, from: number, count: number): Elements {
	const past = bindings['past'] ?? 0;
	const chunk = {...bindings, past: past + from, sequence: count};
	const given = inputs.get(port.name);
	if (given === undefined) {
		return make(port, chunk);
	}

	if (bindings['sequence'] === undefined || bindings['sequence'] === count) {
		return given;
	}

	return port.shape.reduce<Elements>((elements, dim, axis) => {
		const whole = usesSymbol(dim, 'past') && usesSymbol(dim, 'sequence');
		return usesSymbol(dim, 'sequence') ? sliceAxis(elements, axis, whole ? 0 : from, valueOf(dim, chunk)!) : elements;
	}, given);
}

function make({name, dtype, shape, fill}: PortEntry, bindings: Bindings): Elements {
	const dims = shape.map(
		dim =>
			valueOf(dim, bindings) ??
			(() => {
				throw inputError(name, 'cannot be made', {expected: describeShape(shape), hint: 'give it'});
			})(),
	);
	const axis = shape.findIndex(dim => usesSymbol(dim, 'sequence'));
	const inner = sizeOf(dims.slice(axis + 1));
	const first = axis >= 0 && usesSymbol(shape[axis]!, 'past') ? 0 : (bindings['past'] ?? 0);
	const valueAt = fill === 'ones' ? () => 1 : (index: number) => first + (axis < 0 ? 0 : Math.floor(index / inner) % dims[axis]!);
	return {type: dtype as DataType, data: filled(dtype as DataType, sizeOf(dims), valueAt), dims};
}
