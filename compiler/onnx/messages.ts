/**
 * The decoded messages as TypeScript sees them: the fields that import reads, a subset of the descriptor's. An absent scalar reads as
 * its default (0, '', bytes as an empty array), an absent list as an empty one, an absent message as null; `has` tells absence from a default.
 */
import type {Int64} from './int64.js';

export type ModelProto = {
	readonly irVersion: Int64;
	readonly producerName: string;
	readonly graph: GraphProto | null;
	readonly opsetImport: readonly OperatorSetIdProto[];
	readonly metadataProps: readonly StringStringEntryProto[];
	readonly functions: readonly FunctionProto[];
};

export type OperatorSetIdProto = {readonly domain: string; readonly version: Int64};

export type StringStringEntryProto = {readonly key: string; readonly value: string};

export type GraphProto = {
	readonly name: string;
	readonly node: readonly NodeProto[];
	readonly initializer: readonly TensorProto[];
	readonly sparseInitializer: readonly SparseTensorProto[];
	readonly input: readonly ValueInfoProto[];
	readonly output: readonly ValueInfoProto[];
	readonly valueInfo: readonly ValueInfoProto[];
};

export type NodeProto = {
	readonly name: string;
	readonly opType: string;
	readonly domain: string;
	readonly overload: string;
	readonly input: readonly string[];
	readonly output: readonly string[];
	readonly attribute: readonly AttributeProto[];
};

export type FunctionProto = {
	readonly name: string;
	readonly domain: string;
	readonly overload: string;
	readonly input: readonly string[];
	readonly output: readonly string[];
	/** Attributes without a default. */
	readonly attribute: readonly string[];
	/** Attributes with a default. */
	readonly attributeProto: readonly AttributeProto[];
	readonly node: readonly NodeProto[];
	readonly opsetImport: readonly OperatorSetIdProto[];
};

export type AttributeProto = {
	readonly name: string;
	readonly refAttrName: string;
	readonly type: number;
	readonly f: number;
	readonly i: Int64;
	readonly s: Uint8Array;
	readonly t: TensorProto | null;
	readonly g: GraphProto | null;
	readonly sparseTensor: SparseTensorProto | null;
	readonly floats: readonly number[];
	readonly ints: readonly Int64[];
	readonly strings: readonly Uint8Array[];
};

export type ValueInfoProto = {readonly name: string; readonly type: TypeProto | null};

export type TypeProto = {
	readonly tensorType: {readonly elemType: number; readonly shape: {readonly dim: readonly DimensionProto[]} | null} | null;
};

export type DimensionProto = {readonly dimValue: Int64; readonly dimParam: string};

export type TensorProto = {
	readonly name: string;
	readonly dims: readonly Int64[];
	readonly dataType: number;
	readonly segment: unknown;
	readonly rawData: Uint8Array;
	readonly floatData: readonly number[];
	readonly int32Data: readonly number[];
	readonly int64Data: readonly Int64[];
	readonly uint64Data: readonly Int64[];
	readonly doubleData: readonly number[];
	readonly stringData: readonly Uint8Array[];
	readonly externalData: readonly StringStringEntryProto[];
	readonly dataLocation: number;
};

export type SparseTensorProto = {
	readonly values: TensorProto | null;
	readonly indices: TensorProto | null;
	readonly dims: readonly Int64[];
};

/** Whether the field was in the file. */
export const has = <T extends object>(message: T, field: keyof T & string): boolean => {
	const value: unknown = Object.hasOwn(message, field) ? message[field] : undefined;
	return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== null;
};

/** A copy with other fields; defaults of absent fields stay. */
export const withFields = <T extends object>(message: T, fields: Partial<T>): T =>
	Object.assign(Object.create(Object.getPrototypeOf(message) as object) as T, message, fields);
