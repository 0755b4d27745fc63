/**
 * Model-local functions are inlined: a call becomes the nodes of the body, with formal names replaced by the call's, attribute
 * references by the call's attributes, and the versions of the function's own opset imports. Recursion is refused.
 * https://onnx.ai/onnx/repo-docs/IR.html#functions
 */
import {SnugError} from '../error.js';
import {has, withFields, type AttributeProto, type FunctionProto, type GraphProto, type NodeProto} from './messages.js';
import {normalDomain, readOpsets, type Opsets} from './model-file.js';
import type {Names} from '../graph/names.js';

/** Where a node was written: the opset versions that hold there, and the functions around it, outermost first. */
export type Scope = {readonly opsets: Opsets; readonly callers: readonly string[]};

export type ScopedNode = {readonly proto: NodeProto; readonly scope: Scope};

export type Functions = ReadonlyMap<string, FunctionProto>;

const identity = (domain: string, name: string, overload: string): string => `${normalDomain(domain)}:${name}${overload ? `:${overload}` : ''}`;

export function collectFunctions(protos: readonly FunctionProto[], subject: string): Functions {
	const functions = new Map<string, FunctionProto>();
	for (const proto of protos) {
		const id = identity(proto.domain, proto.name, proto.overload);
		if (functions.has(id)) {
			throw new SnugError('duplicate-function', {subject, problem: `the function ${id} is defined twice`});
		}

		functions.set(id, proto);
	}

	return functions;
}

/** Every call of a function replaced by its body, bodies included. */
export function expandCalls(nodes: readonly NodeProto[], scope: Scope, functions: Functions, names: Names): ScopedNode[] {
	const {callers} = scope;
	return nodes.flatMap(proto => {
		const id = identity(proto.domain, proto.opType, proto.overload);
		const called = functions.get(id);
		if (!called) {
			return [{proto, scope}];
		}

		if (callers.includes(id)) {
			throw new SnugError('recursive-function', {
				subject: `function ${id}`,
				problem: 'the function calls itself',
				expected: 'functions without recursion',
				found: [...callers.slice(callers.indexOf(id)), id].join(' → '),
			});
		}

		const inner: Scope = {opsets: readOpsets(called.opsetImport, `function ${id}`), callers: [...callers, id]};
		return expandCalls(instantiate(proto, called, id, names), inner, functions, names);
	});
}

function instantiate(call: NodeProto, called: FunctionProto, id: string, names: Names): NodeProto[] {
	const prefix = call.name || call.output.find(Boolean) || call.opType;
	const tooMany = call.input.length > called.input.length ? 'inputs' : call.output.length > called.output.length ? 'outputs' : undefined;
	if (tooMany) {
		const [formal, actual] = tooMany === 'inputs' ? [called.input, call.input] : [called.output, call.output];
		throw new SnugError('invalid-node', {
			subject: `${call.opType} '${call.name}'`,
			problem: `too many ${tooMany} for the function ${id}`,
			expected: `at most ${formal.length}`,
			found: String(actual.length),
		});
	}

	const rename = new Map<string, string>([['', '']]);
	for (const [index, formal] of called.input.entries()) {
		rename.set(formal, call.input[index] ?? '');
	}

	const forwarded: NodeProto[] = [];
	for (const [index, formal] of called.output.entries()) {
		const actual = call.output[index] ?? '';
		if (actual === '') {
			continue;
		}

		if (called.input.includes(formal) || called.output.indexOf(formal) < index) {
			forwarded.push({name: '', opType: 'Identity', domain: '', overload: '', input: [formal], output: [actual], attribute: []});
		} else {
			rename.set(formal, actual);
		}
	}

	for (const output of called.node.flatMap(node => node.output)) {
		if (!rename.has(output)) {
			rename.set(output, names.fresh(`${prefix}/${output}`));
		}
	}

	const attributes = new Map([...called.attributeProto, ...call.attribute].map(attribute => [attribute.name, attribute] as const));
	const body = called.node.map(node => rewrite(node, rename, attributes));
	return [
		...body.map((node, index) => ({...node, name: `${prefix}/${called.node[index]!.name || called.node[index]!.opType}`})),
		...forwarded.map(node => ({...node, name: `${prefix}/${node.output[0]!}`, input: node.input.map(name => rename.get(name) ?? name)})),
	];
}

type Rename = ReadonlyMap<string, string>;
type Bindings = ReadonlyMap<string, AttributeProto>;

function rewrite(node: NodeProto, rename: Rename, attributes: Bindings): NodeProto {
	const replace = (name: string): string => rename.get(name) ?? name;
	return {
		name: node.name,
		opType: node.opType,
		domain: node.domain,
		overload: node.overload,
		input: node.input.map(replace),
		output: node.output.map(replace),
		attribute: node.attribute.flatMap(attribute => rewriteAttribute(attribute, rename, attributes)),
	};
}

function rewriteAttribute(attribute: AttributeProto, rename: Rename, attributes: Bindings): AttributeProto[] {
	if (attribute.refAttrName !== '') {
		// A reference to an attribute that the call does not give: the node's own default holds.
		const bound = attributes.get(attribute.refAttrName);
		if (bound && attribute.type !== 0 && bound.type !== 0 && bound.type !== attribute.type) {
			throw new SnugError('attribute-type', {
				subject: `attribute '${bound.name}'`,
				problem: `it does not have the type that the function wants for '${attribute.name}'`,
				expected: `type ${attribute.type}`,
				found: `type ${bound.type}`,
			});
		}

		return bound ? [withFields(bound, {name: attribute.name})] : [];
	}

	if (!has(attribute, 'g') || !attribute.g) {
		return [attribute];
	}

	return [withFields(attribute, {g: rewriteGraph(attribute.g, rename, attributes)})];
}

/** Names that the inner graph defines are its own; all others are the function's. */
function rewriteGraph(graph: GraphProto, rename: Rename, attributes: Bindings): GraphProto {
	const own = new Set(
		[...graph.input, ...graph.initializer]
			.map(({name}) => name)
			.concat(
				graph.node.flatMap(node => node.output),
				graph.sparseInitializer.map(({values}) => values?.name ?? ''),
			),
	);
	const outer = new Map([...rename].filter(([name]) => name === '' || !own.has(name)));
	return {
		name: graph.name,
		input: graph.input,
		output: graph.output.map(value => withFields(value, {name: outer.get(value.name) ?? value.name})),
		valueInfo: [],
		initializer: graph.initializer,
		sparseInitializer: graph.sparseInitializer,
		node: graph.node.map(node => rewrite(node, outer, attributes)),
	};
}
