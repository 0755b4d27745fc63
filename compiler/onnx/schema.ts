/**
 * The messages of the ONNX specification up to IR version 14, as a protobufjs descriptor, with decoding and encoding.
 *
 * Names are the specification's in camel case. Enumerations are open: an unknown number stays in the field, so that the reader can
 * refuse it by name. Bytes are views of the decoded buffer; 64-bit integers are pairs of 32-bit halves (`int64.ts`).
 * https://onnx.ai/onnx/repo-docs/IR.html
 */
import protobuf from 'protobufjs/light.js';
import type {ModelProto, TensorProto} from './messages.js';

type Field = {id: number; type: string; rule?: 'repeated'; options?: {packed: boolean}};

const one = (id: number, type: string): Field => ({id, type});
const many = (id: number, type: string): Field => ({id, type, rule: 'repeated'});
const packed = (id: number, type: string): Field => ({id, type, rule: 'repeated', options: {packed: true}});

const entries = (id: number): Field => many(id, 'StringStringEntryProto');

/** The first IR version that introduces something this descriptor does not have is the next one. */
export const IR_VERSION = 14;

const messages = {
	ModelProto: {
		fields: {
			irVersion: one(1, 'int64'),
			producerName: one(2, 'string'),
			producerVersion: one(3, 'string'),
			domain: one(4, 'string'),
			modelVersion: one(5, 'int64'),
			docString: one(6, 'string'),
			graph: one(7, 'GraphProto'),
			opsetImport: many(8, 'OperatorSetIdProto'),
			metadataProps: entries(14),
			trainingInfo: many(20, 'TrainingInfoProto'),
			functions: many(25, 'FunctionProto'),
			configuration: many(26, 'DeviceConfigurationProto'),
		},
	},
	DeviceConfigurationProto: {fields: {name: one(1, 'string'), numDevices: one(2, 'int32'), device: many(3, 'string')}},
	StringStringEntryProto: {fields: {key: one(1, 'string'), value: one(2, 'string')}},
	OperatorSetIdProto: {fields: {domain: one(1, 'string'), version: one(2, 'int64')}},
	TrainingInfoProto: {
		fields: {initialization: one(1, 'GraphProto'), algorithm: one(2, 'GraphProto'), initializationBinding: entries(3), updateBinding: entries(4)},
	},
	GraphProto: {
		fields: {
			node: many(1, 'NodeProto'),
			name: one(2, 'string'),
			initializer: many(5, 'TensorProto'),
			docString: one(10, 'string'),
			input: many(11, 'ValueInfoProto'),
			output: many(12, 'ValueInfoProto'),
			valueInfo: many(13, 'ValueInfoProto'),
			quantizationAnnotation: many(14, 'TensorAnnotation'),
			sparseInitializer: many(15, 'SparseTensorProto'),
			metadataProps: entries(16),
		},
	},
	TensorAnnotation: {fields: {tensorName: one(1, 'string'), quantParameterTensorNames: entries(2)}},
	NodeProto: {
		fields: {
			input: many(1, 'string'),
			output: many(2, 'string'),
			name: one(3, 'string'),
			opType: one(4, 'string'),
			attribute: many(5, 'AttributeProto'),
			docString: one(6, 'string'),
			domain: one(7, 'string'),
			overload: one(8, 'string'),
			metadataProps: entries(9),
			deviceConfigurations: many(10, 'NodeDeviceConfigurationProto'),
		},
	},
	NodeDeviceConfigurationProto: {fields: {configurationId: one(1, 'string'), shardingSpec: many(2, 'ShardingSpecProto'), pipelineStage: one(3, 'int32')}},
	ShardingSpecProto: {
		fields: {
			tensorName: one(1, 'string'),
			device: many(2, 'int64'),
			indexToDeviceGroupMap: many(3, 'IntIntListEntryProto'),
			shardedDim: many(4, 'ShardedDimProto'),
		},
	},
	IntIntListEntryProto: {fields: {key: one(1, 'int64'), value: many(2, 'int64')}},
	ShardedDimProto: {fields: {axis: one(1, 'int64'), simpleSharding: many(2, 'SimpleShardedDimProto')}},
	SimpleShardedDimProto: {
		oneofs: {dim: {oneof: ['dimValue', 'dimParam']}},
		fields: {dimValue: one(1, 'int64'), dimParam: one(2, 'string'), numShards: one(3, 'int64')},
	},
	FunctionProto: {
		fields: {
			name: one(1, 'string'),
			input: many(4, 'string'),
			output: many(5, 'string'),
			attribute: many(6, 'string'),
			node: many(7, 'NodeProto'),
			docString: one(8, 'string'),
			opsetImport: many(9, 'OperatorSetIdProto'),
			domain: one(10, 'string'),
			attributeProto: many(11, 'AttributeProto'),
			valueInfo: many(12, 'ValueInfoProto'),
			overload: one(13, 'string'),
			metadataProps: entries(14),
		},
	},
	AttributeProto: {
		fields: {
			name: one(1, 'string'),
			f: one(2, 'float'),
			i: one(3, 'int64'),
			s: one(4, 'bytes'),
			t: one(5, 'TensorProto'),
			g: one(6, 'GraphProto'),
			floats: many(7, 'float'),
			ints: many(8, 'int64'),
			strings: many(9, 'bytes'),
			tensors: many(10, 'TensorProto'),
			graphs: many(11, 'GraphProto'),
			docString: one(13, 'string'),
			tp: one(14, 'TypeProto'),
			typeProtos: many(15, 'TypeProto'),
			type: one(20, 'AttributeType'),
			refAttrName: one(21, 'string'),
			sparseTensor: one(22, 'SparseTensorProto'),
			sparseTensors: many(23, 'SparseTensorProto'),
		},
		nested: {
			AttributeType: {
				options: {features: {enum_type: 'OPEN'}},
				values: {
					UNDEFINED: 0,
					FLOAT: 1,
					INT: 2,
					STRING: 3,
					TENSOR: 4,
					GRAPH: 5,
					FLOATS: 6,
					INTS: 7,
					STRINGS: 8,
					TENSORS: 9,
					GRAPHS: 10,
					SPARSE_TENSOR: 11,
					SPARSE_TENSORS: 12,
					TYPE_PROTO: 13,
					TYPE_PROTOS: 14,
				},
			},
		},
	},
	ValueInfoProto: {fields: {name: one(1, 'string'), type: one(2, 'TypeProto'), docString: one(3, 'string'), metadataProps: entries(4)}},
	TypeProto: {
		oneofs: {value: {oneof: ['tensorType', 'sequenceType', 'mapType', 'optionalType', 'sparseTensorType', 'opaqueType']}},
		fields: {
			tensorType: one(1, 'Tensor'),
			sequenceType: one(4, 'Sequence'),
			mapType: one(5, 'Map'),
			denotation: one(6, 'string'),
			opaqueType: one(7, 'Opaque'),
			sparseTensorType: one(8, 'SparseTensor'),
			optionalType: one(9, 'Optional'),
		},
		nested: {
			Tensor: {fields: {elemType: one(1, 'int32'), shape: one(2, 'TensorShapeProto')}},
			Sequence: {fields: {elemType: one(1, 'TypeProto')}},
			Map: {fields: {keyType: one(1, 'int32'), valueType: one(2, 'TypeProto')}},
			Optional: {fields: {elemType: one(1, 'TypeProto')}},
			SparseTensor: {fields: {elemType: one(1, 'int32'), shape: one(2, 'TensorShapeProto')}},
			Opaque: {fields: {domain: one(1, 'string'), name: one(2, 'string')}},
		},
	},
	TensorShapeProto: {
		fields: {dim: many(1, 'Dimension')},
		nested: {
			Dimension: {
				oneofs: {value: {oneof: ['dimValue', 'dimParam']}},
				fields: {dimValue: one(1, 'int64'), dimParam: one(2, 'string'), denotation: one(3, 'string')},
			},
		},
	},
	TensorProto: {
		fields: {
			dims: many(1, 'int64'),
			dataType: one(2, 'int32'),
			segment: one(3, 'Segment'),
			floatData: packed(4, 'float'),
			int32Data: packed(5, 'int32'),
			stringData: many(6, 'bytes'),
			int64Data: packed(7, 'int64'),
			name: one(8, 'string'),
			rawData: one(9, 'bytes'),
			doubleData: packed(10, 'double'),
			uint64Data: packed(11, 'uint64'),
			docString: one(12, 'string'),
			externalData: entries(13),
			dataLocation: one(14, 'DataLocation'),
			metadataProps: entries(16),
		},
		nested: {
			Segment: {fields: {begin: one(1, 'int64'), end: one(2, 'int64')}},
			DataLocation: {options: {features: {enum_type: 'OPEN'}}, values: {DEFAULT: 0, EXTERNAL: 1}},
		},
	},
	SparseTensorProto: {fields: {values: one(1, 'TensorProto'), indices: one(2, 'TensorProto'), dims: many(3, 'int64')}},
};

// The specification is written in proto2: a scalar that is present keeps its presence even when it is zero.
const proto2 = Object.fromEntries(Object.entries(messages).map(([name, message]) => [name, {...message, edition: 'proto2'}] as const));

/** The reflected messages, in the package `onnx`. */
export const schema: protobuf.Root = protobuf.Root.fromJSON({nested: {onnx: {nested: proto2}}});
schema.resolveAll();

const type = (name: string): protobuf.Type => schema.lookupType(`onnx.${name}`);

/** The name of an attribute type, or its number where the specification has none. */
export function attributeTypeName(value: number): string {
	return schema.lookupEnum('onnx.AttributeProto.AttributeType').valuesById[value] ?? `type ${value}`;
}

/** Throws what protobufjs throws for malformed bytes. */
export const decodeModel = (bytes: Uint8Array): ModelProto => type('ModelProto').decode(bytes) as unknown as ModelProto;

export const decodeTensor = (bytes: Uint8Array): TensorProto => type('TensorProto').decode(bytes) as unknown as TensorProto;

/** Plain objects in, protobuf bytes out; what is absent is not written. */
export const encodeModel = (model: Partial<ModelProto>): Uint8Array => type('ModelProto').encode(model).finish();

export const encodeTensor = (tensor: Partial<TensorProto>): Uint8Array => type('TensorProto').encode(tensor).finish();
