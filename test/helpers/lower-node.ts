/**
 * Runs one node through `lower` and the kernels of `dist/kernels/plain.wasm`, with no compiler in between: buffers are laid out one after
 * the other in a memory of their own. Shapes are numbers.
 */
import fs from 'node:fs';
import {formBytes, type InputForm, type Kernels} from '../../compiler/codecs/codec.js';
import {evaluate, type Dim} from '../../compiler/graph/dim.js';
import {bytesOf, view, type DType} from '../../compiler/graph/dtype.js';
import type {Attributes, Node} from '../../compiler/graph/graph.js';
import {constant, sizeOf, type Tensor} from '../../compiler/graph/tensor.js';
import {evaluateContext, failer, inferContext} from '../../compiler/ops/context.js';
import type {Op} from '../../compiler/ops/op.js';
import type {LowerContext, Operand} from '../../compiler/plan/lower-context.js';
import {isThreaded, namedParameters, type Prototype} from '../../compiler/plan/prototypes.js';
import {encodeWeight, type CodedWeight} from './coded-weight.js';
import {openCache, type HeldState} from './held-state.js';

const folder = new URL('../../dist/kernels/', import.meta.url);
const POISON = 0xaa;

/** Kernels that threads share are called once for each of as many, one after the other: together they must write everything. */
const THREADS = 3;

/** One instance serves all calls: making one takes much longer than most kernels do. */
let loaded: {memory: WebAssembly.Memory; exports: WebAssembly.Exports; prototypes: Readonly<Record<string, Prototype>>} | undefined;

/** The end of what the last call used. */
let used = 0;

function kernels(): NonNullable<typeof loaded> {
	if (!loaded) {
		const memory = new WebAssembly.Memory({initial: 1024});
		const module = new WebAssembly.Module(fs.readFileSync(new URL('plain.wasm', folder)));
		loaded = {
			memory,
			exports: new WebAssembly.Instance(module, {env: {memory}}).exports,
			prototypes: JSON.parse(fs.readFileSync(new URL('prototypes.json', folder), 'utf8')) as Record<string, Prototype>,
		};
		used = memory.buffer.byteLength;
	}

	new Uint8Array(loaded.memory.buffer, 0, used).fill(POISON);
	used = 0;
	return loaded;
}

export const makeNode = (op: string, inputs: ReadonlyArray<Tensor | undefined>, attributes: Attributes = {}, outputs = 1): Node => ({
	op,
	name: 'node',
	inputs: inputs.map((input, index) => (input ? `input${index}` : '')),
	outputs: Array.from({length: outputs}, (_, index) => `output${index}`),
	attributes,
});

const around = (node: Node, inputs: ReadonlyArray<Tensor | undefined>) => {
	const find = (name: string): Tensor | undefined => inputs[node.inputs.indexOf(name)];
	return {
		bounds: {},
		type: (name: string) => {
			const tensor = find(name);
			return tensor && {dtype: tensor.dtype, shape: tensor.dims};
		},
		constant: (name: string) => {
			const tensor = find(name);
			return tensor && constant(tensor);
		},
		value: (name: string) => {
			const tensor = find(name);
			return tensor && /int|bool/.test(tensor.dtype) ? Array.from(tensor.data as ArrayLike<number | bigint>, Number) : undefined;
		},
	};
};

export const inferNode = (op: Op, node: Node, inputs: ReadonlyArray<Tensor | undefined>) => op.infer(inferContext(node, around(node, inputs)));

export const evaluateNode = (op: Op, node: Node, inputs: ReadonlyArray<Tensor | undefined>): Tensor[] => op.evaluate!(evaluateContext(node, inputs));

/** How inputs reach the kernels, by index; those not named lie contiguous, as they are. */
export type Held = {
	/** Elements from one row of the last axis to the next; what lies between is NaN. */
	readonly rowStrides?: Readonly<Record<number, number>>;
	/** Encoded weights: `multiply` and `gatherRows` use them. */
	readonly weights?: Readonly<Record<number, CodedWeight>>;
	/** Pasts that are resident; the output that belongs to one is what the cache holds afterwards. */
	readonly states?: Readonly<Record<number, HeldState>>;
};

/** The outputs as the kernels make them. Unwritten bytes are 0xAA, so that reading or leaving them shows. */
export function lowerNode(op: Op, node: Node, inputs: ReadonlyArray<Tensor | undefined>, {rowStrides = {}, weights = {}, states = {}}: Held = {}): Tensor[] {
	const {memory, exports, prototypes} = kernels();
	let top = 1024;
	const addresses = new Map<string, number>();
	const guards: Array<{readonly buffer: string; readonly start: number; readonly end: number}> = [];
	const reserve = (buffer: string, bytes: number): void => {
		addresses.set(buffer, top);
		guards.push({buffer, start: top + bytes, end: top + ((bytes + 31) & ~15)});
		top += (bytes + 31) & ~15;
		used = top;
	};

	const store = (buffer: string, data: Uint8Array): void => {
		reserve(buffer, data.length);
		new Uint8Array(memory.buffer).set(data, addresses.get(buffer));
	};

	const operand = (buffer: string, dtype: DType, shape: readonly Dim[]): Operand => ({buffer, offset: 0, dtype, shape});
	const inferred = inferNode(op, node, inputs);
	const given = inputs.map((tensor, index) => {
		if (!tensor) {
			return undefined;
		}

		const bytes = new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength);
		const stride = rowStrides[index];
		store(`input${index}`, stride === undefined ? bytes : spread(bytes, tensor, stride));
		return {...operand(`input${index}`, tensor.dtype, tensor.dims), ...(stride === undefined ? {} : {rowStride: stride})};
	});
	const caches = Object.entries(states).map(([index, state]) => {
		const past = inputs[Number(index)]!;
		const {operand: held, data, scales, read} = openCache(state, past, node.inputs[Number(index)]!);
		store(held.data.buffer, data);
		if (scales) {
			store(held.scales!.buffer, scales);
		}

		return {index: Number(index), output: state.output, held, read};
	});
	const coded = new Map(
		Object.entries(weights).map(([index, weight]) => {
			const {kernels: use, parts} = encodeWeight(weight, inputs[Number(index)]!);
			for (const [at, part] of parts.entries()) {
				store(`part${index}.${at}`, part);
			}

			store(`parts${index}`, new Uint8Array(Uint32Array.from(parts, (_, at) => addresses.get(`part${index}.${at}`)!).buffer));
			return [Number(index), use] as const;
		}),
	);
	const made = inferred.map(({dtype, shape}, index) => {
		reserve(`output${index}`, sizeOf(shape as number[]) * bytesOf(dtype));
		return operand(`output${index}`, dtype, shape);
	});
	const context = inferContext(node, around(node, inputs));
	const lower: LowerContext = {
		...context,
		has: context.has,
		wants: index => (node.outputs[index] ?? '') !== '',
		input: index => given[index] ?? context.fail(`input ${index} is missing`),
		output: index => made[index]!,
		scratch(bytes) {
			const buffer = `scratch${addresses.size}`;
			reserve(buffer, bytes as number);
			return operand(buffer, 'uint8', [bytes]);
		},
		threadScratch: bytes => lower.scratch(bytes),
		alias(output, input, offset = 0) {
			addresses.set(`output${output}`, addresses.get(`input${input}`)! + (offset as number));
		},
		aliasColumns: () => false,
		state: index => caches.find(cache => cache.index === index)?.held,
		call(kernel, parameters) {
			const prototype = prototypes[kernel] ?? context.fail(`no kernel ${kernel}`);
			const values = namedParameters(prototype).map(({name, type}) => {
				const value = parameters[name];
				if (value === undefined) {
					return context.fail(`kernel ${kernel}: parameter ${name} is not given`);
				}

				if (Array.isArray(value)) {
					reserve(`numbers${addresses.size}`, value.length * 4);
					const at = [...addresses.values()].at(-1)!;
					new Int32Array(memory.buffer, at, value.length).set(value.map(dim => evaluate(dim as Dim, {})));
					return at;
				}

				if (typeof value === 'object' && 'buffer' in value) {
					return addresses.get(value.buffer)! + evaluate(value.offset, {});
				}

				return type === 'f32' ? (value as number) : evaluate(value as Dim, {});
			});
			const unknown = Object.keys(parameters).filter(name => !namedParameters(prototype).some(parameter => parameter.name === name));
			if (unknown.length > 0) {
				context.fail(`kernel ${kernel} has no parameter ${unknown.join(', ')}`);
			}

			const run = exports[kernel] as (...values: number[]) => void;
			for (let thread = 0; thread < (isThreaded(prototype) ? THREADS : 1); thread++) {
				run(...values, ...(isThreaded(prototype) ? [thread, THREADS] : []));
			}
		},
		multiply(index, y, x, tokens, bias) {
			const {form, matvec, tile} = weightOf(index);
			const [rows, columns] = inputs[index]!.dims as [number, number];
			const parts = operand(`parts${index}`, 'uint32', []);
			const prepare = (form: InputForm): Operand => {
				if (!form.kernel) {
					return x;
				}

				const formed = lower.scratch(formBytes(form, tokens, columns));
				lower.call(form.kernel, {out: formed, x, tokens, columns});
				return formed;
			};

			if (tokens !== 1) {
				lower.call(tile.kernel, {
					y,
					x: prepare(tile.form),
					parts,
					bias: bias ?? 0,
					scratch: lower.scratch(tile.scratch({rows, columns})),
					tokens,
					rows,
					columns,
					...tile.numbers,
				});
				return;
			}

			const scratch = matvec.scratch && lower.scratch(matvec.scratch({rows, columns}));
			lower.call(matvec.kernel, {y, x: prepare(form), parts, ...(scratch && {scratch}), rows, columns, ...matvec.numbers});
			if (bias) {
				lower.call('add_bias_f32', {y, bias, rows: 1, columns: rows});
			}
		},
		gatherRows(index, y, ids, count) {
			const {row} = weightOf(index);
			const [rows, columns] = inputs[index]!.dims as [number, number];
			const wide = ids.dtype === 'int64' ? ids : lower.scratch(8 * (count as number));
			if (ids.dtype !== 'int64') {
				lower.call('widen_i32', {y: wide, x: ids, count});
			}

			lower.call(row.kernel, {y, ids: wide, parts: operand(`parts${index}`, 'uint32', []), count, rows, columns, ...row.numbers});
		},
		fail: failer(node),
	};
	const weightOf = (index: number): Kernels => coded.get(index) ?? context.fail(`input ${index} is no encoded weight`);
	op.lower!(lower);
	const bytes = new Uint8Array(memory.buffer);
	for (const {buffer, start, end} of guards) {
		if (bytes.subarray(start, end).some(byte => byte !== POISON)) {
			throw new Error(`${node.op}: a kernel wrote past the end of '${buffer}'`);
		}
	}

	for (const {output, held, read} of caches) {
		const result = made[output]!;
		const at = (place: Operand): Uint8Array => bytes.subarray(addresses.get(place.buffer));
		const present = read(at(held.data), held.scales && at(held.scales), result.shape[2] as number);
		bytes.set(new Uint8Array(present.buffer), addresses.get(result.buffer));
	}

	return made.slice(0, node.outputs.length).map(({buffer, dtype, shape}) => {
		const at = addresses.get(buffer)!;
		return {dtype, dims: shape as number[], data: view(dtype, new Uint8Array(memory.buffer, at, sizeOf(shape as number[]) * bytesOf(dtype)).slice())};
	});
}

/** Rows of the last axis `stride` elements apart, NaN between them and behind the last. */
function spread(bytes: Uint8Array, {dtype, dims}: Tensor, stride: number): Uint8Array {
	const size = bytesOf(dtype);
	const row = dims.at(-1)! * size;
	const out = new Uint8Array((bytes.length / row) * stride * size).fill(0xff);
	for (let at = 0; at * row < bytes.length; at++) {
		out.set(bytes.subarray(at * row, (at + 1) * row), at * stride * size);
	}

	return out;
}
