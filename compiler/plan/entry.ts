/** Lowers the nodes of one entry: every op gets a context that gives its values places and collects its kernel calls. */
import {add, ceilDivide, multiply, substitute, type Dim} from '../graph/dim.js';
import {CACHE_LINE} from '../bundle/format.js';
import {bytesOf} from '../graph/dtype.js';
import {boundsOf, describeNode, type Node} from '../graph/graph.js';
import {tensor} from '../graph/tensor.js';
import {SnugError} from '../error.js';
import {failer} from '../ops/context.js';
import {findOp} from '../passes/infer-types.js';
import type {Encoding} from './encoding.js';
import type {CallArgument, LowerContext, Operand, StateOperand} from './lower-context.js';
import {createPlaces, type Places, type PlacesOptions} from './places.js';
import type {Argument, Entry, KernelCall, StateBuffer} from './program.js';
import {createWeightCalls, type WeightCalls} from './weight-calls.js';
import {product} from '../graph/shape.js';

export type EntrySpec = {
	readonly name: string;
	readonly nodes: readonly Node[];
	/** Symbols fixed in this entry, such as one token for decode. */
	readonly bindings: Readonly<Record<string, Dim>>;
	/** The parameters of the exported function. */
	readonly symbols: readonly string[];
	/** Values that lie elsewhere: made by another entry, or read by one. */
	readonly places: ReadonlyMap<string, Operand>;
	/** Outputs that no node makes: constants, known values, inputs handed on. */
	readonly copies: readonly string[];
};

/** What all entries share. */
export type Shared = PlacesOptions & {readonly encoding: Encoding; readonly threads: number};

/** What the nodes of an entry share. */
type Surroundings = {
	readonly spec: EntrySpec;
	readonly shared: Shared;
	readonly places: Places;
	readonly weightCalls: WeightCalls;
	readonly consumers: ReadonlyMap<string, readonly Node[]>;
	/** Values that are read after the entry: they must lie where their name says. */
	readonly kept: ReadonlySet<string>;
	emit(node: Node, kernel: string, parameters: Readonly<Record<string, CallArgument | Argument>>): void;
};

export function lowerEntry(spec: EntrySpec, shared: Shared): Entry {
	const {graph} = shared.typed;
	const calls: KernelCall[] = [];
	const emit: Surroundings['emit'] = (node, kernel, parameters) => {
		calls.push({kernel, arguments: Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, argument(value)])), node: describeNode(node)});
	};

	const places = createPlaces(shared, spec.bindings, spec.places, emit);
	const weightCalls = createWeightCalls(shared.encoding, emit, places.addActivation);
	const around: Surroundings = {
		spec,
		shared,
		places,
		weightCalls,
		consumers: findConsumers(graph.nodes),
		kept: new Set([...graph.outputs, ...spec.places.keys()]),
		emit,
	};
	for (const node of spec.nodes) {
		const {lower} = findOp(node);
		if (!lower) {
			throw new SnugError('unknown-op', {
				subject: describeNode(node),
				problem: 'the op has no kernel',
				hint: 'write `lower` in its file under compiler/ops',
			});
		}

		lower(lowerContext(node, around));
	}

	for (const value of spec.copies) {
		const node: Node = {op: 'Identity', name: value, inputs: [value], outputs: [value], attributes: {}};
		const x = places.locate(node, value);
		emit(node, 'copy_bytes', {y: places.addOutput(value), x, bytes: multiply(product(x.shape), bytesOf(x.dtype))});
	}

	return {name: spec.name, symbols: spec.symbols, calls, buffers: places.activations};
}

function findConsumers(nodes: readonly Node[]): ReadonlyMap<string, readonly Node[]> {
	const consumers = new Map<string, Node[]>();
	for (const node of nodes) {
		for (const input of new Set(node.inputs)) {
			const list = consumers.get(input) ?? [];
			list.push(node);
			consumers.set(input, list);
		}
	}

	return consumers;
}

function lowerContext(node: Node, around: Surroundings): LowerContext {
	const {spec, shared, places, weightCalls, consumers, kept, emit} = around;
	const {graph, known} = shared.typed;
	const fail = failer(node, 'cannot-lower');
	let scratches = 0;
	const has = (index: number): boolean => (node.inputs[index] ?? '') !== '';
	const scratch = (bytes: Dim): Operand => places.addActivation(`scratch:${spec.name}:${node.name}:${scratches++}`, bytes);
	const threadScratch = (bytes: Dim): Operand => {
		const threadStride = multiply(ceilDivide(bytes, CACHE_LINE), CACHE_LINE);
		return {...scratch(multiply(threadStride, shared.threads)), threadStride};
	};

	return {
		node,
		attributes: node.attributes,
		bounds: boundsOf(graph),
		inputCount: node.inputs.length,
		outputCount: node.outputs.length,
		has,
		wants: index => (node.outputs[index] ?? '') !== '' && (kept.has(node.outputs[index]!) || consumers.has(node.outputs[index]!)),
		input: index => (has(index) ? places.locate(node, node.inputs[index]!) : fail(`input ${index} is missing`)),
		output: index => ((node.outputs[index] ?? '') === '' ? fail(`output ${index} is not used`) : places.reserve(node.outputs[index]!)),
		value: index => known.get(node.inputs[index] ?? '')?.map(dim => substitute(dim, spec.bindings)),
		constant(index) {
			const found = graph.constants.get(node.inputs[index] ?? '');
			return found && tensor(found);
		},
		scratch,
		threadScratch,
		...aliases(node, around),
		state: index => stateOperand(shared.states.get(node.inputs[index] ?? '')),
		call: (kernel, parameters) => {
			emit(node, kernel, parameters);
		},
		...weightCalls(node, {scratch, threadScratch}),
		fail,
	};
}

/** Outputs that lie inside an input. */
function aliases(node: Node, {places, consumers, kept, emit}: Surroundings): Pick<LowerContext, 'alias' | 'aliasColumns'> {
	return {
		alias(to, from, offset = 0) {
			const value = node.outputs[to]!;
			const {dtype, shape} = places.typeOf(value);
			const source = places.locate(node, node.inputs[from]!);
			const at = add(source.offset, offset);
			if (source.rowStride !== undefined) {
				throw new Error(`${describeNode(node)} reads rows that lie apart, but its op does not say so in \`strided\``);
			}

			if (kept.has(value)) {
				emit(node, 'copy_bytes', {y: places.reserve(value), x: {...source, offset: at}, bytes: multiply(product(shape), bytesOf(dtype))});
			} else {
				places.define(value, {buffer: source.buffer, offset: at, dtype, shape});
			}
		},
		aliasColumns(to, column) {
			const value = node.outputs[to]!;
			const source = places.locate(node, node.inputs[0]!);
			const {dtype, shape} = places.typeOf(value);
			// Halves are widened before they are read, which takes contiguous rows.
			const contiguous = (reader: Node): boolean => reader.inputs.some((input, index) => input === value && !findOp(reader).strided?.includes(index));
			const strided = dtype === 'float32' && !(consumers.get(value) ?? []).some(contiguous);
			const oneRow = product(shape.slice(0, -1)) === 1;
			if (kept.has(value) || (!strided && !oneRow)) {
				return false;
			}

			const place = {buffer: source.buffer, offset: add(source.offset, multiply(column, bytesOf(dtype))), dtype, shape};
			places.define(value, oneRow ? place : {...place, rowStride: source.rowStride ?? source.shape.at(-1)!});
			return true;
		},
	};
}

function stateOperand(state: StateBuffer | undefined): StateOperand | undefined {
	if (!state) {
		return undefined;
	}

	const place = (buffer: string): Operand => ({buffer, offset: 0, dtype: 'uint8', shape: []});
	const {storage, heads, positions, width, buffer, scales} = state;
	return {storage, heads, positions, width, data: place(buffer), ...(scales === undefined ? {} : {scales: place(scales)})};
}

function argument(value: CallArgument | Argument): Argument {
	if (Array.isArray(value)) {
		return {kind: 'numbers', values: value as readonly Dim[]};
	}

	if (typeof value === 'object' && 'kind' in value) {
		return value;
	}

	if (typeof value === 'object' && 'buffer' in value) {
		const {buffer, offset, threadStride} = value;
		return {kind: 'buffer', buffer, offset, ...(threadStride === undefined ? {} : {threadStride})};
	}

	return {kind: 'number', value: value as Dim};
}
