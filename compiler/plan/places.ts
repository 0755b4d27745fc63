/** Where the values of one entry lie: activations by their own names, everything that outlives the entry by a prefixed one. */
import {multiply, substitute, type Dim} from '../graph/dim.js';
import {bytesOf} from '../graph/dtype.js';
import type {Node, ValueType} from '../graph/graph.js';
import type {TypedGraph} from '../passes/infer-types.js';
import type {CallArgument, Operand} from './lower-context.js';
import type {Argument, Buffer, StateBuffer} from './program.js';
import {product} from '../graph/shape.js';

export type PlacesOptions = {
	readonly typed: TypedGraph;
	readonly states: ReadonlyMap<string, StateBuffer>;
	/** Buffers of every role but `activation`; entries add what they use. */
	readonly buffers: Map<string, Buffer>;
};

export type EmitCall = (node: Node, kernel: string, parameters: Readonly<Record<string, CallArgument | Argument>>) => void;

export type Places = {
	readonly activations: Map<string, Buffer>;
	/** The type under the entry's bindings. */
	typeOf(value: string): ValueType;
	/** Where a value lies that something reads; what is known at compile time is written on the way. */
	locate(node: Node, value: string): Operand;
	/** Where a value is to be written. */
	reserve(value: string): Operand;
	/** Says that a value lies inside another. */
	define(value: string, place: Operand): void;
	addActivation(name: string, bytes: Dim): Operand;
	/** The buffer of an output that is copied from elsewhere. */
	addOutput(value: string): Operand;
};

export function createPlaces(
	{typed, states, buffers}: PlacesOptions,
	bindings: Readonly<Record<string, Dim>>,
	given: ReadonlyMap<string, Operand>,
	emit: EmitCall,
): Places {
	const {graph, known} = typed;
	const activations = new Map<string, Buffer>();
	const operands = new Map<string, Operand>(given);
	const bind = (dim: Dim): Dim => substitute(dim, bindings);
	const typeOf = (value: string): ValueType => {
		const {dtype, shape} = graph.types.get(value)!;
		return {dtype, shape: shape.map(bind)};
	};

	/** Unbound: a buffer that entries share is as large as the largest of them needs. */
	const fixed = (name: string, value: string, role: Buffer['role']): Operand => {
		const {dtype, shape} = graph.types.get(value)!;
		if (!buffers.has(name)) {
			buffers.set(name, {name, bytes: multiply(product(shape), bytesOf(dtype)), role});
		}

		return {buffer: name, offset: 0, ...typeOf(value)};
	};

	const addActivation = (name: string, bytes: Dim): Operand => {
		activations.set(name, {name, bytes, role: 'activation'});
		return {buffer: name, offset: 0, dtype: 'uint8', shape: [bytes]};
	};

	const storeKnown = (node: Node, value: string): Operand => {
		const elements = known.get(value);
		if (!elements) {
			throw new Error(`${node.op} '${node.name}' reads '${value}' before it has a place`);
		}

		const {dtype, shape} = typeOf(value);
		const place = {...addActivation(`known:${value}`, elements.length * bytesOf(dtype)), dtype, shape};
		emit(node, `store_${dtype}`, {y: place, values: elements.map(bind), count: elements.length});
		return place;
	};

	const find = (node: Node, value: string): Operand => {
		const state = states.get(value);
		if (state) {
			return {buffer: state.buffer, offset: 0, ...typeOf(value)};
		}

		if (graph.inputs.includes(value)) {
			return fixed(`input:${value}`, value, 'input');
		}

		return graph.constants.has(value) ? fixed(`constant:${value}`, value, 'constant') : storeKnown(node, value);
	};

	const remember = (value: string, place: Operand): Operand => {
		operands.set(value, place);
		return place;
	};

	return {
		activations,
		typeOf,
		locate: (node, value) => operands.get(value) ?? remember(value, find(node, value)),
		reserve(value) {
			const found = operands.get(value);
			if (found) {
				return found;
			}

			if (graph.outputs.includes(value)) {
				return remember(value, fixed(`output:${value}`, value, 'output'));
			}

			const {dtype, shape} = typeOf(value);
			return remember(value, {...addActivation(value, multiply(product(shape), bytesOf(dtype))), dtype, shape});
		},
		define(value, place) {
			operands.set(value, place);
		},
		addActivation,
		addOutput: value => fixed(`output:${value}`, value, 'output'),
	};
}
