/** The one node of a backend case as our own node and op, for tests of a single op. */
import fs from 'node:fs';
import type {Attribute, Node} from '../../compiler/graph/graph.js';
import {toNumber} from '../../compiler/onnx/int64.js';
import type {AttributeProto} from '../../compiler/onnx/messages.js';
import {decodeModel} from '../../compiler/onnx/schema.js';
import type {NodeCase} from './node-cases.js';
import type {Tensor} from '../../compiler/graph/tensor.js';

const decoder = new TextDecoder();

function attribute(proto: AttributeProto): Attribute {
	switch (proto.type) {
		case 1: {
			return proto.f;
		}

		case 2: {
			return toNumber(proto.i);
		}

		case 3: {
			return decoder.decode(proto.s);
		}

		case 6: {
			return [...proto.floats];
		}

		case 7: {
			return proto.ints.map(toNumber);
		}

		case 8: {
			return proto.strings.map(bytes => decoder.decode(bytes));
		}

		default: {
			throw new Error(`attribute ${proto.name}: type ${proto.type} is not read here`);
		}
	}
}

export function nodeOfCase({path, inputs}: Pick<NodeCase, 'path' | 'inputs'>): {node: Node; inputs: Array<Tensor | undefined>} {
	const [proto, ...rest] = decodeModel(fs.readFileSync(path)).graph!.node;
	if (!proto || rest.length > 0) {
		throw new Error(`${path}: expected one node`);
	}

	return {
		node: {
			op: proto.opType,
			name: 'node',
			inputs: [...proto.input],
			outputs: [...proto.output],
			attributes: Object.fromEntries(proto.attribute.map(a => [a.name, attribute(a)])),
		},
		inputs: proto.input.map(name => inputs.get(name)),
	};
}
