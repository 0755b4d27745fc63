/**
 * Local rewrites: a rule looks at one node, and where its pattern holds gives the nodes that make the same outputs.
 * Rules read as a list of conditions, then the replacement.
 */
import {readsOf} from '../graph/captures.js';
import {equal, type Dim} from '../graph/dim.js';
import type {Attributes, Graph, Node, ValueType} from '../graph/graph.js';
import {constant as constantOf, sizeOf, type Constant, type Tensor} from '../graph/tensor.js';
import type {TypedGraph} from './infer-types.js';

/** The graph as a rule sees it. Node lookups answer undefined for graph inputs and constants. */
export type View = {
	readonly graph: Graph;
	/** The node that makes a value, optionally only if it is one of these ops. */
	producer(value: string, ...ops: readonly string[]): Node | undefined;
	consumers(value: string): readonly Node[];
	/** Whether exactly one node reads the value and it is no output of the graph. */
	usedOnce(value: string): boolean;
	type(value: string): ValueType;
	constant(value: string): Constant | undefined;
	/** The one element of a constant (any type, any shape of size 1). */
	scalar(value: string): number | undefined;
	/** Known integer elements. */
	known(value: string): readonly Dim[] | undefined;
};

export type Build = {
	/** A fresh value name. */
	name(hint: string): string;
	constant(hint: string, value: Tensor | Constant): string;
	/** A value of known integers (int64). */
	integers(hint: string, elements: readonly Dim[]): string;
	/** Adds a node and answers its first output; `outputs` names the outputs, by default one fresh value. */
	node(op: string, inputs: readonly string[], attributes?: Attributes, outputs?: readonly string[]): string;
};

export type Rule = {
	readonly name: string;
	/** Ops at which the rule may start. */
	readonly ops: readonly string[];
	/**
	 * Where the pattern holds: adds nodes that make all of `node`'s used outputs (and of those in `replaces`), and answers true or the
	 * further nodes that are replaced. Adds nothing where it does not hold.
	 */
	apply(node: Node, view: View, build: Build): boolean | {readonly replaces: readonly Node[]};
};

export const sameShape = (a: ValueType, b: ValueType): boolean => a.shape.length === b.shape.length && a.shape.every((dim, axis) => equal(dim, b.shape[axis]!));

/** Whether `value` is a constant that repeats over all axes but the last of `type`, and changes neither its shape nor its element type. */
export function isVector({constant}: Pick<View, 'constant'>, value: string, type: ValueType): boolean {
	const found = constant(value);
	return (
		found !== undefined &&
		found.dtype === type.dtype &&
		found.dims.length > 0 &&
		found.dims.length <= type.shape.length &&
		found.dims.at(-1) === type.shape.at(-1) &&
		found.dims.slice(0, -1).every(dim => dim === 1)
	);
}

/** The name of a vector constant as one of rank 1. */
export function flatVector(view: View, build: Build, value: string): string {
	const found = view.constant(value)!;
	return found.dims.length === 1 ? value : build.constant(`${value}.flat`, {...found, dims: found.dims.slice(-1)});
}

function viewOf({graph, known}: TypedGraph): View {
	const producers = new Map<string, Node>();
	const consumers = new Map<string, Node[]>();
	for (const node of graph.nodes) {
		for (const output of node.outputs) {
			producers.set(output, node);
		}

		for (const input of new Set(readsOf(node))) {
			const list = consumers.get(input) ?? [];
			list.push(node);
			consumers.set(input, list);
		}
	}

	const kept = new Set([...graph.outputs, ...graph.states.map(({output}) => output)]);
	return {
		graph,
		producer(value, ...ops) {
			const node = producers.get(value);
			return node && (ops.length === 0 || ops.includes(node.op)) ? node : undefined;
		},
		consumers: value => consumers.get(value) ?? [],
		usedOnce: value => !kept.has(value) && (consumers.get(value)?.length ?? 0) === 1,
		type: value => graph.types.get(value)!,
		constant: value => graph.constants.get(value),
		scalar(value) {
			const elements = known.get(value);
			if (elements?.length === 1) {
				return typeof elements[0] === 'number' ? elements[0] : undefined;
			}

			const constant = graph.constants.get(value);
			return constant && sizeOf(constant.dims) === 1 && constant.dtype !== 'float16' && constant.dtype !== 'bfloat16' ? Number(constant.read()[0]) : undefined;
		},
		known: value => known.get(value),
	};
}

/** Applies the rules to every node once, in order; the first rule that holds wins. Answers the same graph when none held. */
export function rewrite(typed: TypedGraph, rules: readonly Rule[]): Graph {
	const {graph} = typed;
	const view = viewOf(typed);
	const constants = new Map(graph.constants);
	const values = new Map(graph.values);
	const types = new Map(graph.types);
	const nodes: Node[] = [];
	const gone = new Set<Node>();
	const names = new Set([...graph.types.keys(), ...graph.nodes.map(node => node.name)]);
	const fresh = (hint: string): string => {
		let name = hint;
		for (let index = 1; names.has(name); index++) {
			name = `${hint}.${index}`;
		}

		names.add(name);
		return name;
	};

	for (const node of graph.nodes) {
		if (gone.has(node)) {
			continue;
		}

		const added: Node[] = [];
		const build: Build = {
			name: fresh,
			constant(hint, value) {
				const name = fresh(hint);
				const constant = 'read' in value ? value : constantOf(value);
				constants.set(name, constant);
				types.set(name, {dtype: constant.dtype, shape: constant.dims});
				return name;
			},
			integers(hint, elements) {
				const name = fresh(hint);
				values.set(name, elements);
				types.set(name, {dtype: 'int64', shape: [elements.length]});
				return name;
			},
			node(op, inputs, attributes = {}, outputs) {
				const name = fresh(`${node.name}/${op.replace(/^.*\./, '')}`);
				const made = outputs ?? [fresh(`${name}:0`)];
				added.push({op, name, inputs, outputs: made, attributes});
				return made[0]!;
			},
		};
		const rule = rules.find(({ops, apply}) => {
			if (!ops.includes(node.op)) {
				return false;
			}

			const held = apply(node, view, build);
			if (held) {
				gone.add(node);
				for (const other of held === true ? [] : held.replaces) {
					gone.add(other);
				}
			}

			return Boolean(held);
		});
		nodes.push(...(rule ? added : [node]));
	}

	return gone.size === 0 ? graph : {...graph, nodes: nodes.filter(node => !gone.has(node)), constants, values, types};
}
