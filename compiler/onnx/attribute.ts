/**
 * Attributes of a node. What the file says about the type and what it holds must agree; lists of tensors, of graphs and of types have
 * no use in the supported ops and are refused.
 *
 * Integers become numbers, those beyond 2⁵³ the nearest number that still is a 64-bit integer.
 */
import {SnugError} from '../error.js';
import type {Attribute, Graph} from '../graph/graph.js';
import type {Constant} from '../graph/tensor.js';
import {toNumber} from './int64.js';
import {has, type AttributeProto, type GraphProto, type SparseTensorProto, type TensorProto} from './messages.js';
import {attributeTypeName} from './schema.js';

export type AttributeImport = {
	tensor(proto: TensorProto): Constant;
	sparseTensor(proto: SparseTensorProto): Constant;
	graph(proto: GraphProto, name: string): Graph;
};

/** The field that holds each type's value, by the type's number. */
const fields: Readonly<Record<number, keyof AttributeProto>> = {
	1: 'f',
	2: 'i',
	3: 's',
	4: 't',
	5: 'g',
	6: 'floats',
	7: 'ints',
	8: 'strings',
	11: 'sparseTensor',
};

/** Types whose value may be absent: a default, or an empty list. */
const optional = new Set([1, 2, 3, 6, 7, 8]);

/** @param owner The node, for messages. */
export function importAttribute(proto: AttributeProto, owner: string, {tensor, sparseTensor, graph}: AttributeImport): Attribute {
	const subject = `${owner}, attribute '${proto.name}'`;
	if (proto.refAttrName !== '') {
		throw new SnugError('attribute-reference', {
			subject,
			problem: 'a reference outside a function',
			expected: 'a value',
			found: `a reference to '${proto.refAttrName}'`,
		});
	}

	const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');
	switch (attributeType(proto, subject)) {
		case 1: {
			return proto.f;
		}

		case 2: {
			return toNumber(proto.i);
		}

		case 3: {
			return text(proto.s);
		}

		case 4: {
			return tensor(proto.t!);
		}

		case 5: {
			return graph(proto.g!, proto.name);
		}

		case 6: {
			return [...proto.floats];
		}

		case 7: {
			return proto.ints.map(toNumber);
		}

		case 8: {
			return proto.strings.map(text);
		}

		default: {
			return sparseTensor(proto.sparseTensor!);
		}
	}
}

/** The declared type, or for files older than IR version 2 the one that the field in use shows. */
export function attributeType(proto: AttributeProto, subject: string): number {
	const used = Object.entries(fields).filter(([, field]) => has(proto, field));
	const type = proto.type === 0 && used.length === 1 ? Number(used[0]![0]) : proto.type;
	const field = fields[type];
	if (field === undefined) {
		throw new SnugError('attribute-type', {
			subject,
			problem: type === 0 ? 'the attribute has no type' : 'unsupported attribute type',
			expected: 'a number, a string, a list of these, a tensor or a graph',
			found: attributeTypeName(type),
		});
	}

	const present = used.some(([, name]) => name === field);
	const other = used.find(([, name]) => name !== field);
	if (!present && (other || !optional.has(type))) {
		throw new SnugError('attribute-type', {
			subject,
			problem: "the attribute's type and value do not agree",
			expected: `a value of type ${attributeTypeName(type)}`,
			found: other ? `one of type ${attributeTypeName(Number(other[0]))}` : 'none',
		});
	}

	return type;
}
