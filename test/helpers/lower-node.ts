/**
 * Runs one node through `lower` and the kernels of `dist/kernels/plain.wasm`, with no compiler in between: buffers are laid out one after
 * the other in a memory of their own. Shapes are numbers.
 */
import fs from 'node:fs';
import {evaluate, type Dim} from '../../compiler/graph/dim.js';
import {bytesOf, view, type DType} from '../../compiler/graph/dtype.js';
import type {Attributes, Node} from '../../compiler/graph/graph.js';
import {constant, sizeOf, type Tensor} from '../../compiler/graph/tensor.js';
import {evaluateContext, failer, inferContext} from '../../compiler/ops/context.js';
import type {Op} from '../../compiler/ops/op.js';
import type {LowerContext, Operand} from '../../compiler/plan/lower-context.js';
import type {Prototype} from '../../runtime-wasm/build.js';

const folder = new URL('../../dist/kernels/', import.meta.url);
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

	new Uint8Array(loaded.memory.buffer, 0, used).fill(0xaa);
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

/** The outputs as the kernels make them. Unwritten bytes are 0xAA, so that reading or leaving them shows. */
export function lowerNode(op: Op, node: Node, inputs: ReadonlyArray<Tensor | undefined>): Tensor[] {
	const {memory, exports, prototypes} = kernels();
	let top = 1024;
	const addresses = new Map<string, number>();
	const reserve = (buffer: string, bytes: number): void => {
		addresses.set(buffer, top);
		top += (bytes + 31) & ~15;
		used = top;
	};

	const operand = (buffer: string, dtype: DType, shape: readonly Dim[]): Operand => ({buffer, offset: 0, dtype, shape});
	const inferred = inferNode(op, node, inputs);
	const given = inputs.map((tensor, index) => {
		if (!tensor) {
			return undefined;
		}

		reserve(`input${index}`, tensor.data.byteLength);
		new Uint8Array(memory.buffer).set(new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength), addresses.get(`input${index}`));
		return operand(`input${index}`, tensor.dtype, tensor.dims);
	});
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
		alias(output, input, offset = 0) {
			addresses.set(`output${output}`, addresses.get(`input${input}`)! + (offset as number));
		},
		aliasColumns: () => false,
		state: () => undefined,
		call(kernel, parameters) {
			const prototype = prototypes[kernel] ?? context.fail(`no kernel ${kernel}`);
			const values = prototype.parameters.map(({name, type}) => {
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
			const unknown = Object.keys(parameters).filter(name => !prototype.parameters.some(parameter => parameter.name === name));
			if (unknown.length > 0) {
				context.fail(`kernel ${kernel} has no parameter ${unknown.join(', ')}`);
			}

			(exports[kernel] as (...values: number[]) => void)(...values);
		},
		multiply: () => context.fail('no weights here'),
		gatherRows: () => context.fail('no weights here'),
		fail: failer(node),
	};
	op.lower!(lower);
	return made.slice(0, node.outputs.length).map(({buffer, dtype, shape}) => {
		const at = addresses.get(buffer)!;
		return {dtype, dims: shape as number[], data: view(dtype, new Uint8Array(memory.buffer, at, sizeOf(shape as number[]) * bytesOf(dtype)).slice())};
	});
}
