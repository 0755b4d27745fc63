/** The nodes and constants of a graph of the file: the model's, a branch's or a loop's. */
import {SnugError} from '../error.js';
import {controlFlow} from '../graph/captures.js';
import {describeNode, type Attributes, type Graph, type Node, type ValueType} from '../graph/graph.js';
import {constant, type Constant} from '../graph/tensor.js';
import {importAttribute, type AttributeImport} from './attribute.js';
import {importConstantNode} from './constant-node.js';
import {dataTypes} from './data-type.js';
import type {Origin} from './external-data.js';
import {expandCalls, type Functions, type Scope} from './functions.js';
import {knownOp, type OpTable} from './known-op.js';
import type {GraphProto, NodeProto} from './messages.js';
import {normalDomain} from './model-file.js';
import type {Names} from '../graph/names.js';
import {orderNodes} from './order.js';
import {importSparseTensor, importTensor} from './tensor.js';
import {declaredType} from './value-type.js';

export type Surroundings = {
	readonly ops: OpTable;
	readonly functions: Functions;
	readonly origin: Origin;
	/** The file, for messages. */
	readonly subject: string;
	readonly names: Names;
	readonly nodeNames: Names;
	/** Values of the graphs around this one. */
	readonly given: ReadonlySet<string>;
};

export type Body = {readonly nodes: readonly Node[]; readonly constants: ReadonlyMap<string, Constant>};

/** What a graph starts from: its inputs, and constants that it has beside its initializers. */
type Start = {readonly inputs: readonly string[]; readonly constants: ReadonlyMap<string, Constant>};

export function importBody(graph: GraphProto, scope: Scope, start: Start, around: Surroundings): Body {
	const {origin, subject, functions, names} = around;
	const constants = new Map(start.constants);
	const add = (name: string, value: Constant): void => {
		if (constants.has(name) || start.inputs.includes(name)) {
			throw new SnugError('duplicate-value', {subject, problem: `the value '${name}' is defined twice`, expected: 'every value defined once'});
		}

		constants.set(name, value);
	};

	for (const proto of graph.initializer) {
		add(proto.name, importTensor(proto, origin, subject));
	}

	for (const proto of graph.sparseInitializer) {
		add(proto.values?.name ?? '', importSparseTensor(proto, origin, subject));
	}

	const expanded = expandCalls(graph.node, scope, functions, names);
	const narrow = new Set(graph.initializer.filter(({dataType}) => (dataTypes[dataType]?.bits ?? 8) < 8).map(({name}) => name));
	const own = new Set([...start.inputs, ...constants.keys()]);
	// Inner graphs may read whatever is made here, in any order; order is checked when all nodes are there.
	const inside: Surroundings = {...around, given: new Set([...around.given, ...own, ...expanded.flatMap(({proto}) => proto.output)])};
	const nodes = expanded.flatMap(({proto, scope: written}): Node[] => {
		const owner = describeNode({op: proto.opType, name: proto.name || (proto.output[0] ?? '')});
		const importers = attributeImport(written, inside);
		if (proto.opType === 'Constant' && normalDomain(proto.domain) === '') {
			add(proto.output[0] ?? '', importConstantNode(proto, owner, importers));
			return [];
		}

		refuseNarrow(proto, narrow, owner);
		return [importNode(proto, written, owner, importers, inside, add)];
	});

	const given = new Set([...around.given, ...start.inputs, ...constants.keys()]);
	return {
		nodes: orderNodes(nodes, {given, own: new Set([...start.inputs, ...constants.keys()]), outputs: graph.output.map(({name}) => name), subject}),
		constants,
	};
}

const attributeImport = (scope: Scope, around: Surroundings): AttributeImport => ({
	tensor: proto => importTensor(proto, around.origin, around.subject),
	sparseTensor: proto => importSparseTensor(proto, around.origin, around.subject),
	graph: (proto, name) => importInnerGraph(proto, name, scope, around),
});

function importInnerGraph(proto: GraphProto, name: string, scope: Scope, around: Surroundings): Graph {
	const inputs = proto.input.map(value => value.name);
	const body = importBody(proto, scope, {inputs, constants: new Map()}, around);
	const types = new Map<string, ValueType>([...body.constants].map(([key, {dtype, dims}]) => [key, {dtype, shape: dims}] as const));
	for (const value of proto.input) {
		// Only fully declared inputs have a type before inference.
		if (value.type?.tensorType?.shape?.dim.every(({dimParam, dimValue}) => dimParam === '' && dimValue.low > 0)) {
			const {dtype, dims} = declaredType(value, `input '${value.name}' of ${name} in ${around.subject}`);
			types.set(value.name, {dtype, shape: dims as readonly number[]});
		}
	}

	return {
		name: proto.name || name,
		symbols: {},
		inputs,
		outputs: proto.output.map(value => value.name),
		nodes: body.nodes,
		types,
		constants: body.constants,
		values: new Map(),
		states: [],
	};
}

function importNode(
	proto: NodeProto,
	{opsets}: Scope,
	owner: string,
	importers: AttributeImport,
	{ops, names, nodeNames}: Surroundings,
	add: (name: string, value: Constant) => void,
): Node {
	const domain = normalDomain(proto.domain);
	const opset = opsets.get(domain);
	if (opset === undefined) {
		throw new SnugError('opset-missing', {
			subject: owner,
			problem: `the model imports no opset for the domain '${domain || 'ai.onnx'}'`,
			expected: 'an opset_import for every domain in use',
			found: [...opsets.keys()].map(key => key || 'ai.onnx').join(', ') || 'none',
		});
	}

	const op = domain === '' ? proto.opType : `${domain}.${proto.opType}`;
	const known = controlFlow.has(op) ? ops.get(op) : knownOp(op, ops, owner, domain, opset);
	const attributes: Record<string, Attributes[string]> = {};
	for (const attribute of proto.attribute) {
		if (Object.hasOwn(attributes, attribute.name)) {
			throw new SnugError('duplicate-attribute', {subject: owner, problem: `the attribute '${attribute.name}' is given twice`});
		}

		attributes[attribute.name] = importAttribute(attribute, owner, importers);
	}

	const node: Node = {
		op,
		name: nodeNames.fresh(proto.name || `${proto.opType}_${proto.output.find(Boolean) ?? ''}`),
		inputs: [...proto.input],
		outputs: [...proto.output],
		attributes,
	};
	if (!known?.upgrade) {
		return node;
	}

	return known.upgrade({
		node,
		opset,
		addConstant(tensor) {
			const name = names.fresh(`${node.name}/constant`);
			add(name, constant(tensor));
			return name;
		},
		fail(problem, sides = {}) {
			throw new SnugError('invalid-node', {subject: owner, problem, ...sides});
		},
	});
}

/** A zero point of less than a byte tells QuantizeLinear the range of its codes, which is lost when it is held as a byte. */
function refuseNarrow(proto: NodeProto, narrow: ReadonlySet<string>, owner: string): void {
	if (proto.opType === 'QuantizeLinear' && narrow.has(proto.input[2] ?? '')) {
		throw new SnugError('unsupported-data-type', {
			subject: owner,
			problem: 'quantising values to less than a byte is not supported',
			expected: 'an int8 or uint8 zero point',
			hint: 'quantise weights before export, as DequantizeLinear of a constant',
		});
	}
}
