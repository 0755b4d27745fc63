/** Lowers the nodes of one entry: gives every value a place and collects the kernel calls. */
import {codecOf, type Encoding} from './encoding.js';
import {add, multiply, substitute, type Dim} from '../graph/dim.js';
import {bytesOf} from '../graph/dtype.js';
import {boundsOf, describeNode, type Node, type ValueType} from '../graph/graph.js';
import {tensor} from '../graph/tensor.js';
import {SnugError} from '../error.js';
import {failer} from '../ops/context.js';
import {findOp, type TypedGraph} from '../passes/infer-types.js';
import type {CallArgument, LowerContext, Operand} from './lower-context.js';
import type {Argument, Buffer, Entry, KernelCall, StateBuffer} from './program.js';

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
export type Shared = {
	readonly typed: TypedGraph;
	readonly encoding: Encoding;
	readonly states: ReadonlyMap<string, StateBuffer>;
	readonly buffers: Map<string, Buffer>;
};

const product = (dims: readonly Dim[]): Dim => dims.reduce<Dim>((a, b) => multiply(a, b), 1);

export function lowerEntry(spec: EntrySpec, shared: Shared): Entry {
	const {typed, encoding, states, buffers: fixed} = shared;
	const {graph, known} = typed;
	const calls: KernelCall[] = [];
	const buffers = new Map<string, Buffer>();
	const operands = new Map<string, Operand>(spec.places);
	const prepared = new Map<string, Operand>();
	const bind = (dim: Dim): Dim => substitute(dim, spec.bindings);
	const typeOf = (value: string): ValueType => {
		const {dtype, shape} = graph.types.get(value)!;
		return {dtype, shape: shape.map(bind)};
	};

	const consumers = new Map<string, Node[]>();
	for (const node of graph.nodes) {
		for (const input of new Set(node.inputs)) {
			consumers.set(input, [...(consumers.get(input) ?? []), node]);
		}
	}

	const kept = new Set([...graph.outputs, ...spec.places.keys()]);
	const addActivation = (name: string, bytes: Dim): void => {
		buffers.set(name, {name, bytes, role: 'activation'});
	};

	const addFixed = (name: string, bytes: Dim, role: Buffer['role']): void => {
		if (!fixed.has(name)) {
			fixed.set(name, {name, bytes, role});
		}
	};

	const emit = (node: Node, kernel: string, parameters: Readonly<Record<string, CallArgument | Argument>>): void => {
		calls.push({kernel, arguments: Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, argument(value)])), node: describeNode(node)});
	};

	/** Where a value lies; makes constants and known integers reachable on the way. */
	const locate = (node: Node, value: string): Operand => {
		const found = operands.get(value);
		if (found) {
			return found;
		}

		const {dtype, shape} = typeOf(value);
		const bytes = multiply(product(graph.types.get(value)!.shape), bytesOf(dtype));
		const operand = (buffer: string): Operand => ({buffer, offset: 0, dtype, shape});
		const state = states.get(value);
		let place: Operand;
		if (state) {
			place = operand(state.buffer);
		} else if (graph.inputs.includes(value)) {
			place = operand(`input:${value}`);
			addFixed(place.buffer, bytes, 'input');
		} else if (graph.constants.has(value)) {
			place = operand(`constant:${value}`);
			addFixed(place.buffer, bytes, 'constant');
		} else {
			const elements = known.get(value);
			if (!elements) {
				throw new Error(`${describeNode(node)} reads '${value}' before it has a place`);
			}

			place = operand(`known:${value}`);
			addActivation(place.buffer, bytes);
			emit(node, `store_${dtype}`, {y: place, values: elements.map(bind), count: elements.length});
		}

		operands.set(value, place);
		return place;
	};

	for (const node of spec.nodes) {
		const fail = failer(node, 'cannot-lower');
		const {lower} = findOp(node);
		if (!lower) {
			throw new SnugError('unknown-op', {subject: describeNode(node), problem: 'the op has no kernel', hint: 'write `lower` in its file under compiler/ops'});
		}

		let scratches = 0;
		const has = (index: number): boolean => (node.inputs[index] ?? '') !== '';
		const output = (index: number): Operand => {
			const value = node.outputs[index] ?? '';
			const found = operands.get(value);
			if (found) {
				return found;
			}

			const {dtype, shape} = value === '' ? fail(`output ${index} is not used`) : typeOf(value);
			const bytes = multiply(product(shape), bytesOf(dtype));
			const place: Operand = {buffer: graph.outputs.includes(value) ? `output:${value}` : value, offset: 0, dtype, shape};
			if (graph.outputs.includes(value)) {
				addFixed(place.buffer, multiply(product(graph.types.get(value)!.shape), bytesOf(dtype)), 'output');
			} else {
				addActivation(place.buffer, bytes);
			}

			operands.set(value, place);
			return place;
		};

		const weightOf = (index: number): {row: Argument; codec: ReturnType<typeof codecOf>; rows: number; columns: number} => {
			const value = node.inputs[index]!;
			const weight = encoding.get(value);
			if (!weight) {
				return fail(`'${value}' is used as a weight but is not encoded`);
			}

			return {row: {kind: 'parts', weight: weight.name, term: 0}, codec: codecOf(weight), rows: weight.rows, columns: weight.columns};
		};

		const scratch = (bytes: Dim): Operand => {
			const name = `scratch:${spec.name}:${node.name}:${scratches++}`;
			addActivation(name, bytes);
			return {buffer: name, offset: 0, dtype: 'uint8', shape: [bytes]};
		};

		/** The input vector in the form that a kernel wants, made once for all weights that read it. */
		const prepare = (x: Operand, columns: number, {form}: ReturnType<typeof codecOf>): Operand => {
			if (!form.kernel) {
				return x;
			}

			const key = `form:${form.id}:${x.buffer}:${typeof x.offset === 'number' ? x.offset : x.offset.key}:${columns}`;
			let place = prepared.get(key);
			if (!place) {
				addActivation(key, form.bytes(columns));
				place = {buffer: key, offset: 0, dtype: 'uint8', shape: [form.bytes(columns)]};
				prepared.set(key, place);
				emit(node, form.kernel, {out: place, x, columns, ...form.numbers});
			}

			return place;
		};

		const context: LowerContext = {
			node,
			attributes: node.attributes,
			bounds: boundsOf(graph),
			inputCount: node.inputs.length,
			outputCount: node.outputs.length,
			has,
			wants: index => (node.outputs[index] ?? '') !== '' && (kept.has(node.outputs[index]!) || consumers.has(node.outputs[index]!)),
			input(index) {
				if (!has(index)) {
					return fail(`input ${index} is missing`);
				}

				return locate(node, node.inputs[index]!);
			},
			output,
			value: index => known.get(node.inputs[index] ?? '')?.map(bind),
			constant(index) {
				const found = graph.constants.get(node.inputs[index] ?? '');
				return found && tensor(found);
			},
			scratch,
			alias(to, from, offset = 0) {
				const value = node.outputs[to]!;
				const {dtype, shape} = typeOf(value);
				const source = locate(node, node.inputs[from]!);
				if (kept.has(value) || source.rowStride !== undefined) {
					emit(node, 'copy_bytes', {y: output(to), x: {...source, offset: add(source.offset, offset)}, bytes: multiply(product(shape), bytesOf(dtype))});
					return;
				}

				operands.set(value, {buffer: source.buffer, offset: add(source.offset, offset), dtype, shape});
			},
			aliasColumns(to, column) {
				const value = node.outputs[to]!;
				const source = locate(node, node.inputs[0]!);
				const {dtype, shape} = typeOf(value);
				const readers = consumers.get(value) ?? [];
				const strided = readers.every(reader => reader.inputs.every((input, index) => input !== value || findOp(reader).strided?.includes(index)));
				const oneRow = product(shape.slice(0, -1)) === 1;
				if (kept.has(value) || (!strided && !oneRow)) {
					return false;
				}

				const place = {buffer: source.buffer, offset: add(source.offset, multiply(column, bytesOf(dtype))), dtype, shape};
				operands.set(value, oneRow ? place : {...place, rowStride: source.rowStride ?? source.shape.at(-1)!});
				return true;
			},
			state(index) {
				const state = states.get(node.inputs[index] ?? '');
				if (!state) {
					return undefined;
				}

				const place = (buffer: string): Operand => ({buffer, offset: 0, dtype: 'uint8', shape: []});
				const {storage, heads, positions, width} = state;
				return {storage, heads, positions, width, data: place(state.buffer), ...(state.scales === undefined ? {} : {scales: place(state.scales)})};
			},
			call: (kernel, parameters) => emit(node, kernel, parameters),
			multiply(index, y, x, tokens) {
				const {row, codec, rows, columns} = weightOf(index);
				if (tokens === 1) {
					emit(node, codec.matvec.kernel, {y, x: prepare(x, columns, codec), parts: row, rows, columns, ...codec.matvec.numbers});
				} else {
					emit(node, codec.tile.kernel, {
						y,
						x,
						parts: row,
						scratch: scratch(codec.tile.scratch({rows, columns})),
						tokens,
						rows,
						columns,
						...codec.tile.numbers,
					});
				}
			},
			gatherRows(index, y, ids, count) {
				const {row, codec, rows, columns} = weightOf(index);
				let wide = ids;
				if (ids.dtype === 'int32') {
					wide = scratch(multiply(count, 8));
					emit(node, 'widen_i32', {y: wide, x: ids, count});
				}

				emit(node, codec.row.kernel, {y, ids: wide, parts: row, count, rows, columns, ...codec.row.numbers});
			},
			fail,
		};
		lower(context);
	}

	for (const value of spec.copies) {
		const node: Node = {op: 'Identity', name: value, inputs: [value], outputs: [value], attributes: {}};
		const x = locate(node, value);
		const {dtype, shape} = graph.types.get(value)!;
		const y: Operand = {...x, buffer: `output:${value}`, offset: 0};
		addFixed(y.buffer, multiply(product(shape), bytesOf(dtype)), 'output');
		emit(node, 'copy_bytes', {y, x, bytes: multiply(product(x.shape), bytesOf(dtype))});
	}

	return {name: spec.name, symbols: spec.symbols, calls, buffers};
}

function argument(value: CallArgument | Argument): Argument {
	if (Array.isArray(value)) {
		return {kind: 'numbers', values: value as readonly Dim[]};
	}

	if (typeof value === 'object' && 'kind' in value) {
		return value;
	}

	if (typeof value === 'object' && 'buffer' in value) {
		return {kind: 'buffer', buffer: value.buffer, offset: value.offset};
	}

	return {kind: 'number', value: value as Dim};
}
