/**
 * ONNX models for tests, written as data. `buildModel` gives the bytes of a model file; nothing is checked, so broken models can be
 * built too.
 *
 *     buildModel({
 *         inputs: {x: ['float32', ['batch', 4]]},
 *         outputs: {y: ['float32', ['batch', 4]]},
 *         initializers: {w: float32([4, 4], values)},
 *         nodes: [{op: 'MatMul', inputs: ['x', 'w'], outputs: ['y']}],
 *     })
 */
import type {DType} from '../../compiler/graph/dtype.js';
import type {Tensor} from '../../compiler/graph/tensor.js';
import {dataTypes} from '../../compiler/onnx/data-type.js';
import {fromInteger} from '../../compiler/onnx/int64.js';
import type {
	AttributeProto,
	FunctionProto,
	GraphProto,
	ModelProto,
	NodeProto,
	OperatorSetIdProto,
	SparseTensorProto,
	StringStringEntryProto,
	TensorProto,
	ValueInfoProto,
} from '../../compiler/onnx/messages.js';
import {encodeModel} from '../../compiler/onnx/schema.js';

/** Wraps what the shorthand cannot tell apart: a whole number that is a float attribute, an empty list, a reference. */
export type AttributeSpec =
	| number
	| string
	| readonly number[]
	| readonly string[]
	| Tensor
	| GraphSpec
	| {readonly float: number}
	| {readonly floats: readonly number[]}
	| {readonly ints: ReadonlyArray<number | bigint>}
	| {readonly sparse: SparseTensorProto}
	/** The attribute `reference` of the enclosing function, of the type with this number. */
	| {readonly reference: string; readonly type: number}
	| {readonly proto: Partial<AttributeProto>};

export type NodeSpec = {
	readonly op: string;
	readonly name?: string;
	readonly domain?: string;
	readonly overload?: string;
	readonly inputs?: readonly string[];
	readonly outputs: readonly string[];
	readonly attributes?: Readonly<Record<string, AttributeSpec>>;
};

/** An element type by its name here or its number in the file, and the dims: numbers, `dim_param` texts, null for unknown. */
export type TypeSpec = readonly [dtype: DType | number, shape?: ReadonlyArray<number | string | null>];

/** The bytes of an initializer lie in a file beside the model. */
export type ExternalSpec = {
	readonly dtype: DType | number;
	readonly dims: readonly number[];
	readonly location: string;
	readonly offset?: number | string;
	readonly length?: number | string;
};

export type GraphSpec = {
	readonly name?: string;
	readonly inputs?: Readonly<Record<string, TypeSpec>>;
	readonly outputs?: Readonly<Record<string, TypeSpec>>;
	readonly initializers?: Readonly<Record<string, Tensor | ExternalSpec | {readonly proto: Partial<TensorProto>}>>;
	readonly sparseInitializers?: readonly SparseTensorProto[];
	readonly nodes: readonly NodeSpec[];
};

export type FunctionSpec = {
	readonly name: string;
	readonly domain: string;
	readonly overload?: string;
	readonly inputs: readonly string[];
	readonly outputs: readonly string[];
	/** Names of attributes without a default. */
	readonly attributes?: readonly string[];
	readonly defaults?: Readonly<Record<string, AttributeSpec>>;
	readonly opsets?: Readonly<Record<string, number>>;
	readonly nodes: readonly NodeSpec[];
};

export type ModelSpec = GraphSpec & {
	readonly irVersion?: number;
	/** Version by domain; `{'': 21}` unless given. */
	readonly opsets?: Readonly<Record<string, number>>;
	readonly functions?: readonly FunctionSpec[];
};

export const buildModel = (spec: ModelSpec): Uint8Array => encodeModel(modelProto(spec));

export const modelProto = (spec: ModelSpec): Partial<ModelProto> => ({
	irVersion: fromInteger(spec.irVersion ?? 10),
	producerName: 'snug-test',
	opsetImport: opsetImport(spec.opsets ?? {'': 21}),
	graph: graphProto(spec),
	functions: (spec.functions ?? []).map(functionProto),
});

const opsetImport = (opsets: Readonly<Record<string, number>>): OperatorSetIdProto[] =>
	Object.entries(opsets).map(([domain, version]) => ({domain, version: fromInteger(version)}));

function graphProto({name, inputs = {}, outputs = {}, initializers = {}, sparseInitializers = [], nodes}: GraphSpec): GraphProto {
	return {
		name: name ?? 'graph',
		node: nodes.map(nodeProto),
		input: Object.entries(inputs).map(valueProto),
		output: Object.entries(outputs).map(valueProto),
		valueInfo: [],
		initializer: Object.entries(initializers).map(([key, value]) =>
			'proto' in value ? ({name: key, ...value.proto} as TensorProto) : 'location' in value ? externalProto(key, value) : tensorProto(value, key),
		),
		sparseInitializer: sparseInitializers,
	};
}

const functionProto = ({name, domain, overload, inputs, outputs, attributes, defaults, opsets, nodes}: FunctionSpec): FunctionProto => ({
	name,
	domain,
	overload: overload ?? '',
	input: inputs,
	output: outputs,
	attribute: attributes ?? [],
	attributeProto: Object.entries(defaults ?? {}).map(attributeProto),
	node: nodes.map(nodeProto),
	opsetImport: opsetImport(opsets ?? {'': 21}),
});

const nodeProto = ({op, name, domain, overload, inputs, outputs, attributes}: NodeSpec): NodeProto => ({
	opType: op,
	name: name ?? '',
	domain: domain ?? '',
	overload: overload ?? '',
	input: inputs ?? [],
	output: outputs,
	attribute: Object.entries(attributes ?? {}).map(attributeProto),
});

const isNumbers = (list: readonly unknown[]): list is readonly number[] => list.every(item => typeof item === 'number');

const text = new TextEncoder();

/** Whole numbers become INT, others FLOAT. */
function attributeProto([name, value]: readonly [string, AttributeSpec]): AttributeProto {
	const proto = (fields: Partial<AttributeProto>): AttributeProto => ({name, ...fields}) as AttributeProto;
	if (typeof value === 'number') {
		return Number.isInteger(value) ? proto({type: 2, i: fromInteger(value)}) : proto({type: 1, f: value});
	}

	if (typeof value === 'string') {
		return proto({type: 3, s: text.encode(value)});
	}

	if (Array.isArray(value)) {
		const list = value as readonly (number | string)[];
		return isNumbers(list)
			? list.every(Number.isInteger)
				? proto({type: 7, ints: list.map(fromInteger)})
				: proto({type: 6, floats: list})
			: proto({type: 8, strings: list.map(item => text.encode(String(item)))});
	}

	const spec = value as Exclude<AttributeSpec, number | string | readonly number[] | readonly string[]>;
	if ('float' in spec) {
		return proto({type: 1, f: spec.float});
	}

	if ('floats' in spec) {
		return proto({type: 6, floats: spec.floats});
	}

	if ('ints' in spec) {
		return proto({type: 7, ints: spec.ints.map(fromInteger)});
	}

	if ('sparse' in spec) {
		return proto({type: 11, sparseTensor: spec.sparse});
	}

	if ('reference' in spec) {
		return proto({type: spec.type, refAttrName: spec.reference});
	}

	if ('proto' in spec) {
		return proto(spec.proto);
	}

	return 'nodes' in spec ? proto({type: 5, g: graphProto(spec)}) : proto({type: 4, t: tensorProto(spec, name)});
}

/** The number of an element type in the file. */
export const dataTypeNumber = (dtype: DType | number): number =>
	typeof dtype === 'number' ? dtype : Number(Object.keys(dataTypes).find(number => dataTypes[Number(number)]!.dtype === dtype));

const valueProto = ([name, [dtype, shape]]: readonly [string, TypeSpec]): ValueInfoProto =>
	({
		name,
		type: {
			tensorType: {
				elemType: dataTypeNumber(dtype),
				...(shape && {shape: {dim: shape.map(dim => (dim === null ? {} : typeof dim === 'number' ? {dimValue: fromInteger(dim)} : {dimParam: dim}))}}),
			},
		},
	}) as unknown as ValueInfoProto;

export const tensorProto = ({dtype, dims, data}: Tensor, name: string): TensorProto =>
	({
		name,
		dims: dims.map(fromInteger),
		dataType: dataTypeNumber(dtype),
		rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
	}) as unknown as TensorProto;

const externalProto = (name: string, {dtype, dims, location, offset, length}: ExternalSpec): TensorProto =>
	({
		name,
		dims: dims.map(fromInteger),
		dataType: dataTypeNumber(dtype),
		dataLocation: 1,
		externalData: [
			{key: 'location', value: location},
			...(offset === undefined ? [] : [{key: 'offset', value: String(offset)}]),
			...(length === undefined ? [] : [{key: 'length', value: String(length)}]),
		] satisfies StringStringEntryProto[],
	}) as unknown as TensorProto;
