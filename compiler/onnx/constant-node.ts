/** `Constant` nodes are no computation: each of their spellings becomes a constant of the graph. */
import {SnugError} from '../error.js';
import {constant, float32, type Constant} from '../graph/tensor.js';
import {attributeType, type AttributeImport} from './attribute.js';
import {toBigInt} from './int64.js';
import type {NodeProto} from './messages.js';

export function importConstantNode(proto: NodeProto, owner: string, {tensor, sparseTensor}: Pick<AttributeImport, 'tensor' | 'sparseTensor'>): Constant {
	const [attribute, ...more] = proto.attribute;
	if (!attribute || more.length > 0) {
		throw new SnugError('invalid-node', {
			subject: owner,
			problem: 'a Constant has exactly one attribute',
			expected: 'value, sparse_value or value_*',
			found: proto.attribute.map(({name}) => name).join(', ') || 'none',
		});
	}

	const subject = `${owner}, attribute '${attribute.name}'`;
	const type = attributeType(attribute, subject);
	const integers = (dims: readonly number[], values: readonly bigint[]): Constant => constant({dtype: 'int64', dims, data: BigInt64Array.from(values)});
	switch (`${attribute.name}:${type}`) {
		case 'value:4': {
			return tensor(attribute.t!);
		}

		case 'sparse_value:11': {
			return sparseTensor(attribute.sparseTensor!);
		}

		case 'value_float:1': {
			return constant(float32([], [attribute.f]));
		}

		case 'value_floats:6': {
			return constant(float32([attribute.floats.length], attribute.floats));
		}

		case 'value_int:2': {
			return integers([], [toBigInt(attribute.i)]);
		}

		case 'value_ints:7': {
			return integers([attribute.ints.length], attribute.ints.map(toBigInt));
		}

		default: {
			throw new SnugError('attribute-type', {
				subject,
				problem: type === 3 || type === 8 ? 'string tensors are not supported' : 'no value of a Constant',
				expected: 'value, sparse_value, value_float(s) or value_int(s) of its type',
				hint: type === 3 || type === 8 ? 'do text processing outside the model' : 'the file may be damaged',
			});
		}
	}
}
