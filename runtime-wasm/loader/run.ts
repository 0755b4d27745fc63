/**
 * One call of `run`: the sequence goes through the program in chunks of `prefill`, single tokens through `decode`; a model without
 * state is one call of `run`. What the chunks give is joined along the sequence.
 */
import type {PortEntry} from '../../compiler/bundle/format.js';
import {SnugError} from '../../compiler/error.js';
import {inputFor, prepare, type Prepared} from './feeds.js';
import {readPort, writePort} from './memory.js';
import {breathe, type Session} from './session.js';
import {usesSymbol, valueOf, type Bindings} from './shape.js';
import {readState, writeState} from './state.js';
import {joinAxis, sizeOf, sliceAxis, type Elements} from './tensor.js';
import type {Feed, RunOptions, Tensor} from './types.js';

export async function run(session: Session, feeds: Readonly<Record<string, Feed>>, options: RunOptions, signal: AbortSignal): Promise<Record<string, Tensor>> {
	const {bundle, memory} = session;
	const start = options.continue ? session.past : 0;
	const prepared = prepare(bundle, feeds, start);
	if (options.continue && prepared.states.size > 0) {
		throw new SnugError('bad-option', {subject: 'option continue', problem: 'past inputs are given too', hint: 'leave one of them out'});
	}

	const wanted = new Set(
		options.outputs ?? [...bundle.outputs.map(({name}) => name), ...(prepared.states.size > 0 ? bundle.states.map(({output}) => output) : [])],
	);
	checkOutputs(session, wanted);
	const known = tokensOf(session, feeds, start);
	for (const state of bundle.states) {
		const given = prepared.states.get(state.input);
		if (given) {
			writeState(memory, state, given);
		}
	}

	const past = prepared.bindings['past'] ?? 0;
	session.past = past;
	session.tokens = prepared.states.size > 0 && past > 0 ? undefined : options.continue ? session.tokens : [];
	const results = await runChunks(session, prepared, wanted, options.logits ?? 'all', signal).catch((error: unknown) => {
		// What an unfinished call wrote lies behind the positions in use.
		session.past = past;
		throw error;
	});
	session.tokens = known;
	for (const state of bundle.states.filter(({output}) => wanted.has(output))) {
		results[state.output] = readState(memory, state, session.past);
	}

	return results;
}

function checkOutputs({bundle}: Session, wanted: ReadonlySet<string>): void {
	const known = [...bundle.outputs.map(({name}) => name), ...bundle.states.map(({output}) => output)];
	const unknown = [...wanted].find(name => !known.includes(name));
	if (unknown !== undefined) {
		throw new SnugError('bad-option', {subject: `output '${unknown}'`, problem: 'the model has no such output', expected: known.slice(0, 8).join(', ')});
	}
}

/** The tokens that the state holds after the call, where only tokens were fed. */
function tokensOf({bundle, tokens}: Session, feeds: Readonly<Record<string, Feed>>, start: number): readonly number[] | undefined {
	const port = bundle.inputs.find(({fill}) => fill === 'tokens');
	const names = Object.keys(feeds);
	if (port === undefined || names.length !== 1 || names[0] !== port.name || (start > 0 && tokens === undefined)) {
		return undefined;
	}

	return [...(tokens ?? []).slice(0, start), ...Array.from(feeds[port.name]!.data as ArrayLike<number | bigint>, Number)];
}

async function runChunks(
	session: Session,
	prepared: Prepared,
	wanted: ReadonlySet<string>,
	logits: 'last' | 'all',
	signal: AbortSignal,
): Promise<Record<string, Elements>> {
	const {bundle, memory} = session;
	const {positions, outputs} = bundle;
	const {bindings} = prepared;
	const past = bindings['past'] ?? 0;
	const total = positions > 0 ? bindings['sequence']! : 1;
	const collected = new Map<string, Elements[]>(outputs.filter(({name}) => wanted.has(name)).map(({name}) => [name, []]));
	for (let from = 0; from < total;) {
		signal.throwIfAborted();
		const count = positions > 0 ? Math.min(total - from, bundle.symbols['sequence']!.max) : (bindings['sequence'] ?? 1);
		const chunk = positions > 0 ? {...bindings, past: past + from, sequence: count} : bindings;
		for (const port of bundle.inputs.filter(({address}) => address >= 0)) {
			writePort(memory, port, inputFor(port, prepared, from, count));
		}

		session.call(positions === 0 ? 'run' : count === 1 ? 'decode' : 'prefill', chunk);
		from += positions > 0 ? count : 1;
		const last = from >= total;
		for (const port of outputs.filter(({name}) => collected.has(name))) {
			await collect(session, port, collected.get(port.name)!, {chunk, last, logits, signal});
		}

		session.past = positions > 0 ? past + from : 0;
		if (!last) {
			await breathe(signal);
		}
	}

	return Object.fromEntries(outputs.flatMap(port => (collected.has(port.name) ? [[port.name, joined(port, collected.get(port.name)!)]] : [])));
}

type Step = {readonly chunk: Bindings; readonly last: boolean; readonly logits: 'last' | 'all'; readonly signal: AbortSignal};

/** Adds a chunk's part of an output; what does not grow with the sequence is replaced. */
async function collect(session: Session, port: PortEntry, parts: Elements[], {chunk, last, logits, signal}: Step): Promise<void> {
	const {memory, bundle} = session;
	const dims = port.shape.map(dim => valueOf(dim, chunk) ?? unknownSize(port));
	const isLogits = port.name === bundle.sliced?.output || port.name === bundle.generation?.logits;
	const onlyLast = isLogits && logits === 'last';
	if (onlyLast && !last) {
		return;
	}

	const axis = dims.length - 2;
	if (port.name === bundle.sliced?.output) {
		parts.push(await readRows(session, port, onlyLast ? dims.with(axis, 1) : dims, {chunk, signal, rows: dims[axis]!}));
		return;
	}

	const elements = readPort(memory, port, dims);
	if (!grows(port)) {
		parts.length = 0;
	}

	parts.push(onlyLast ? sliceAxis(elements, axis, dims[axis]! - 1, 1) : elements);
}

function unknownSize({name}: PortEntry): never {
	throw new SnugError('bad-output', {subject: `output '${name}'`, problem: 'the inputs do not say how large it is'});
}

/** Whether each chunk gives a further piece along the sequence, and not the whole anew. */
const axisOf = ({shape}: PortEntry): number => shape.findIndex(dim => usesSymbol(dim, 'sequence') && !usesSymbol(dim, 'past'));
const grows = (port: PortEntry): boolean => axisOf(port) >= 0;

const joined = (port: PortEntry, parts: readonly Elements[]): Elements => (grows(port) ? joinAxis(parts, axisOf(port)) : parts.at(-1)!);

/** Rows of the sliced output, each made by the entry `head`; `dims` says how many of the chunk's rows are wanted, the last ones. */
async function readRows(
	{call, memory}: Session,
	port: PortEntry,
	dims: readonly number[],
	{chunk, signal, rows}: {chunk: Bindings; signal: AbortSignal; rows: number},
): Promise<Elements> {
	const axis = dims.length - 2;
	const width = dims[axis + 1]!;
	const batches = sizeOf(dims.slice(0, axis));
	const each = dims[axis]!;
	const parts: Elements[] = [];
	for (let index = 0; index < batches * each; index++) {
		call('head', {...chunk, row: Math.floor(index / each) * rows + rows - each + (index % each)});
		parts.push(readPort(memory, port, [1, width]));
		if (index % 16 === 15) {
			await breathe(signal);
		}
	}

	return {...joinAxis(parts, 0), dims};
}
