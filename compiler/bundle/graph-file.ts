/**
 * The graph after the passes as JSON, kept in the bundle for `snug inspect` and for evaluating the decoded weights on the f32 kernels.
 * Weights are named, small constants stand in the file, larger ones are parts.
 */
import {keyOf, parse, type Dim} from '../graph/dim.js';
import {view, type DType} from '../graph/dtype.js';
import type {Attribute, Graph, Node, State, SymbolBounds} from '../graph/graph.js';
import {sizeOf, type Constant} from '../graph/tensor.js';

type Dims = ReadonlyArray<number | string>;

type ConstantFile = {readonly dtype: DType; readonly dims: readonly number[]; readonly base64?: string};

type AttributeFile = number | string | readonly number[] | readonly string[] | {readonly constant: ConstantFile};

export type GraphFile = {
	readonly name: string;
	readonly symbols: Readonly<Record<string, SymbolBounds>>;
	readonly inputs: readonly string[];
	readonly outputs: readonly string[];
	readonly states: readonly State[];
	readonly nodes: ReadonlyArray<Omit<Node, 'attributes'> & {readonly attributes: Readonly<Record<string, AttributeFile>>}>;
	readonly types: Readonly<Record<string, {readonly dtype: DType; readonly shape: Dims}>>;
	readonly constants: Readonly<Record<string, ConstantFile>>;
	readonly values: Readonly<Record<string, Dims>>;
};

const writeDims = (dims: readonly Dim[]): Dims => dims.map(dim => (typeof dim === 'number' ? dim : keyOf(dim)));

const readDims = (dims: Dims): Dim[] => dims.map(dim => (typeof dim === 'number' ? dim : parse(dim)!));

function inline({dtype, dims, read}: Constant): ConstantFile {
	const data = read();
	return {dtype, dims, base64: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64')};
}

/** @param elsewhere Constants whose data lies in parts. */
export function writeGraph(graph: Graph, elsewhere: ReadonlySet<string>): GraphFile {
	const attribute = (value: Attribute): AttributeFile => {
		if (typeof value === 'object' && !Array.isArray(value)) {
			if ('nodes' in value) {
				throw new Error('a graph with branches cannot be written');
			}

			return {constant: inline(value as Constant)};
		}

		return value as AttributeFile;
	};

	return {
		...graph,
		nodes: graph.nodes.map(node => ({...node, attributes: Object.fromEntries(Object.entries(node.attributes).map(([key, value]) => [key, attribute(value)]))})),
		types: Object.fromEntries([...graph.types].map(([name, {dtype, shape}]) => [name, {dtype, shape: writeDims(shape)}])),
		constants: Object.fromEntries(
			[...graph.constants].map(([name, constant]) => [name, elsewhere.has(name) ? {dtype: constant.dtype, dims: constant.dims} : inline(constant)]),
		),
		values: Object.fromEntries([...graph.values].map(([name, elements]) => [name, writeDims(elements)])),
	};
}

/** @param data The data of constants that lie in parts. */
export function readGraph(file: GraphFile, data: (name: string, constant: {readonly dtype: DType; readonly dims: readonly number[]}) => Constant): Graph {
	const constant = ({dtype, dims, base64}: ConstantFile): Constant => {
		const bytes = new Uint8Array(Buffer.from(base64!, 'base64'));
		const elements = view(dtype, bytes).subarray(0, sizeOf(dims));
		return {dtype, dims, read: () => elements};
	};

	return {
		...file,
		nodes: file.nodes.map(node => ({
			...node,
			attributes: Object.fromEntries(
				Object.entries(node.attributes).map(([key, value]) => [key, typeof value === 'object' && 'constant' in value ? constant(value.constant) : value]),
			),
		})),
		types: new Map(Object.entries(file.types).map(([name, {dtype, shape}]) => [name, {dtype, shape: readDims(shape)}])),
		constants: new Map(Object.entries(file.constants).map(([name, entry]) => [name, entry.base64 === undefined ? data(name, entry) : constant(entry)])),
		values: new Map(Object.entries(file.values).map(([name, elements]) => [name, readDims(elements)])),
	};
}
