/**
 * Graph → Program: one entry `run` for a model without state; `prefill`, `decode` and, for a language model, `head` and `sample` for one
 * with state.
 */
import {equal, isNumber, keyOf, multiply, range, symbol, type Dim} from '../graph/dim.js';
import {readsOf} from '../graph/captures.js';
import {bytesOf} from '../graph/dtype.js';
import {fromElements} from '../graph/elements.js';
import {boundsOf, describeNode, tableRows, type Node, type ValueType} from '../graph/graph.js';
import {constant} from '../graph/tensor.js';
import {SnugError} from '../error.js';
import type {TypedGraph} from '../passes/infer-types.js';
import {codecs} from '../codecs/index.js';
import type {Encoding} from './encoding.js';
import {lowerEntry, type EntrySpec, type Shared} from './entry.js';
import type {Operand} from './lower-context.js';
import {samplingEntry} from './sampling.js';
import type {Buffer, Port, Program, StateBuffer, WeightRow} from './program.js';

export type LowerOptions = {
	/** How key-value caches are held. */
	readonly cachePrecision: StateBuffer['storage'];
	/** Positions that states hold. */
	readonly positions: number;
	/** Threads that may run an entry together, at most; DEFAULT_THREADS unless given. */
	readonly threads?: number;
};

/** More cores than this many phones have; each thread adds to the scratch memory. */
export const DEFAULT_THREADS = 4;

/** Tokens of one call of `prefill`. */
export const PREFILL_TOKENS = 64;

export function lower(optimized: TypedGraph, encoding: Encoding, options: LowerOptions): Program {
	const {threads = DEFAULT_THREADS} = options;
	const typed = withNumbers(optimized);
	const {graph} = typed;
	const buffers = new Map<string, Buffer>();
	const states = placeStates(typed, options, buffers);
	const shared: Shared = {typed, encoding, states, buffers, threads};
	const sliced = states.size > 0 ? findHead(typed) : undefined;
	const made = new Set([...states.keys(), ...graph.nodes.flatMap(({outputs}) => outputs)]);
	const copies = graph.outputs.filter(name => !made.has(name));
	const entries =
		states.size === 0
			? [lowerEntry({name: 'run', nodes: graph.nodes, bindings: {}, symbols: Object.keys(graph.symbols), places: new Map(), copies}, shared)]
			: statefulSpecs(typed, sliced, copies, buffers).map(spec => lowerEntry(spec, shared));
	if (sliced) {
		entries.push(samplingEntry(sliced.output, graph.types.get(sliced.output)!, options.positions, buffers));
	}

	return {
		threads,
		entries,
		buffers,
		constants: new Map([...graph.constants].filter(([name]) => buffers.has(`constant:${name}`)).map(([name, constant]) => [`constant:${name}`, constant])),
		weights: weightRows(encoding),
		inputs: graph.inputs.filter(name => !states.has(name)).map(name => inputPort(typed, name, buffers)),
		outputs: graph.outputs
			.filter(name => !graph.states.some(state => state.output === name))
			.map(name => ({name, ...graph.types.get(name)!, buffer: `output:${name}`})),
		states: [...states.values()],
		...(sliced ? {sliced: sliced.output} : {}),
		symbols: graph.symbols,
		bounds: {...boundsOf(graph), row: {min: 0, max: (graph.symbols['sequence']?.max ?? 1) - 1}, count: {min: 0, max: options.positions}},
	};
}

/** Known values that are numbers lie in the file like all constants; the program stores only those that follow from symbols. */
function withNumbers({graph, known}: TypedGraph): TypedGraph {
	const numbers = [...graph.values].flatMap(([name, elements]) =>
		elements.every(isNumber) ? [[name, constant(fromElements(graph.types.get(name)!, elements))] as const] : [],
	);
	return {graph: {...graph, constants: new Map([...graph.constants, ...numbers])}, known};
}

function placeStates({graph}: TypedGraph, {cachePrecision, positions}: LowerOptions, buffers: Map<string, Buffer>): Map<string, StateBuffer> {
	const states = new Map<string, StateBuffer>();
	for (const {input, output, axis} of graph.states) {
		const [batch, heads, , width] = graph.types.get(input)!.shape;
		if (batch !== undefined && !equal(batch, 1)) {
			throw new SnugError('unsupported-state', {
				subject: `state '${input}'`,
				problem: 'a model with state runs one sequence at a time',
				expected: 'a batch of 1',
				found: keyOf(batch),
				hint: 'leave --dim batch out',
			});
		}

		const reader = graph.nodes.find(node =>
			node.inputs.some((name, index) => name === input && !(node.op === 'snug.Attention' && (index === 3 || index === 4))),
		);
		const writer = graph.nodes.find(node => node.outputs.includes(output));
		if (reader || writer?.op !== 'snug.Attention' || axis !== 2 || !isNumber(heads!) || !isNumber(width!)) {
			const culprit: Node | undefined = reader ?? writer;
			throw new SnugError('unsupported-state', {
				subject: `state '${input}'`,
				problem: 'it is not used as the past of a recognised attention',
				expected: 'past keys or values [1, heads, past, width] of an attention',
				found: culprit ? describeNode(culprit) : 'no node that makes it',
				hint: 'print the graph with snug inspect --stage optimize',
			});
		}

		const buffer = `state:${input}`;
		const elements = heads * positions * width;
		const scales = cachePrecision === 'int8' ? `scales:${input}` : undefined;
		buffers.set(buffer, {name: buffer, bytes: elements * bytesOf(cachePrecision), role: 'state'});
		if (scales) {
			buffers.set(scales, {name: scales, bytes: heads * positions * 4, role: 'state'});
		}

		states.set(input, {input, output, axis, storage: cachePrecision, heads, positions, width, buffer, ...(scales ? {scales} : {})});
	}

	return states;
}

type Head = {readonly output: string; readonly hidden: string; readonly nodes: readonly Node[]};

const HEAD_OPS = new Set(['snug.Linear', 'Cast', 'Mul', 'Div', 'Tanh', 'Add', 'Sub']);

/**
 * The nodes that make logits [1, sequence, vocabulary] of hidden states row by row: the last linear, or some side by side, and what
 * follows element by element. They become an entry of their own, so that logits are computed only for the positions asked for.
 */
function findHead({graph}: TypedGraph): Head | undefined {
	const makers = new Map(graph.nodes.flatMap(node => node.outputs.map(made => [made, node] as const)));
	const isLinear = (node: Node | undefined): node is Node =>
		node?.op === 'snug.Linear' && node.inputs.slice(1).every(name => name === '' || graph.constants.has(name));
	const isReadOnce = (value: string): boolean => !graph.outputs.includes(value) && graph.nodes.filter(node => readsOf(node).includes(value)).length === 1;
	for (const output of graph.outputs) {
		const type = graph.types.get(output)!;
		if (type.shape.length !== 3 || isNumber(type.shape[1]!)) {
			continue;
		}

		const nodes: Node[] = [];
		let value = output;
		for (;;) {
			const node = makers.get(value);
			const others = graph.nodes.some(other => other !== node && other.inputs.includes(value) && !nodes.includes(other));
			const bands = node?.op === 'Concat' ? node.inputs.map(name => makers.get(name)) : [];
			const [band] = bands;
			const isRow = node?.attributes['axis'] === -1 || node?.attributes['axis'] === 2;
			if (
				isRow &&
				new Set(bands).size === bands.length &&
				isLinear(band) &&
				!others &&
				bands.every(other => isLinear(other) && other.inputs[0] === band.inputs[0] && isReadOnce(other.outputs[0]!))
			) {
				return {output, hidden: band.inputs[0]!, nodes: [...(bands as Node[]), node, ...nodes]};
			}

			if (!node || !HEAD_OPS.has(node.op) || others || node.inputs.slice(1).some(name => name !== '' && !graph.constants.has(name))) {
				break;
			}

			nodes.unshift(node);
			value = node.inputs[0]!;
			if (node.op === 'snug.Linear') {
				return {output, hidden: value, nodes};
			}
		}
	}

	return undefined;
}

function statefulSpecs({graph}: TypedGraph, head: Head | undefined, copies: readonly string[], buffers: Map<string, Buffer>): EntrySpec[] {
	const body = graph.nodes.filter(node => !head?.nodes.includes(node));
	const places = new Map<string, Operand>();
	const specs: EntrySpec[] = [];
	if (head) {
		const {dtype, shape} = graph.types.get(head.hidden)!;
		const hidden: Operand = {buffer: 'shared:hidden', offset: 0, dtype, shape};
		const width = shape.at(-1)!;
		buffers.set(hidden.buffer, {
			name: hidden.buffer,
			bytes: multiply(
				shape.reduce<Dim>((a, b) => multiply(a, b), 1),
				bytesOf(dtype),
			),
			role: 'shared',
		});
		places.set(head.hidden, hidden);
		const row = {...hidden, offset: multiply(symbol('row'), width, bytesOf(dtype)), shape: [1, 1, width]};
		const logits = graph.types.get(head.output)!;
		buffers.set(`output:${head.output}`, {name: `output:${head.output}`, bytes: multiply(logits.shape.at(-1)!, bytesOf(logits.dtype)), role: 'output'});
		specs.push({name: 'head', nodes: head.nodes, bindings: {sequence: 1}, symbols: ['row'], places: new Map([[head.hidden, row]]), copies: []});
	}

	return [
		{name: 'prefill', nodes: body, bindings: {}, symbols: ['sequence', 'past'], places, copies},
		{name: 'decode', nodes: body, bindings: {sequence: 1}, symbols: ['past'], places, copies},
		...specs,
	];
}

function weightRows(encoding: Encoding): WeightRow[] {
	const rows = new Map<string, WeightRow>();
	for (const {name, codec, parameters, rows: height, columns} of encoding.values()) {
		rows.set(name, {name, rows: height, columns, terms: [{codec, parameters, parts: codecs.get(codec)!.layout({rows: height, columns}, parameters)}]});
	}

	return [...rows.values()];
}

function inputPort({graph}: TypedGraph, name: string, buffers: ReadonlyMap<string, Buffer>): Port {
	const type: ValueType = graph.types.get(name)!;
	const rows = tableRows(graph, name);
	return {name, ...type, ...(buffers.has(`input:${name}`) ? {buffer: `input:${name}`} : {}), ...(rows === undefined ? {} : {rows})};
}

/** The most bytes that a buffer may need under the symbols' bounds. */
export function largest(bytes: Dim, bounds: Program['bounds']): number {
	const {max} = range(bytes, bounds);
	if (!Number.isFinite(max)) {
		throw new SnugError('unbounded-dimension', {
			subject: `dimension ${isNumber(bytes) ? bytes : bytes.key}`,
			problem: 'a symbol has no largest value',
			hint: 'give one with --dim NAME=N, or a range with --dim NAME=1..N',
		});
	}

	return max;
}
