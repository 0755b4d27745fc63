/** Replaces composites (contrib ops, fused ops of newer opsets) by the ops that they consist of. */
import {controlFlow} from '../graph/captures.js';
import {boundsOf, type Attributes, type Graph, type Node, type ValueType} from '../graph/graph.js';
import {constant as constantOf, type Constant} from '../graph/tensor.js';
import {inferContext} from '../ops/context.js';
import type {ExpandContext, Op} from '../ops/op.js';
import {findOp} from './infer-types.js';
import type {Pass} from './pass.js';

export const expandComposites: Pass = {
	name: 'expand-composites',
	description: 'replaces composite ops by the ops that they consist of',
	run({graph, known}): Graph {
		const expansion = (node: Node): Op['expand'] => (controlFlow.has(node.op) ? undefined : findOp(node).expand);
		if (!graph.nodes.some(expansion)) {
			return graph;
		}

		const constants = new Map<string, Constant>(graph.constants);
		const types = new Map<string, ValueType>(graph.types);
		const nodes: Node[] = [];
		for (const node of graph.nodes) {
			const expand = expansion(node);
			if (!expand) {
				nodes.push(node);
				continue;
			}

			let count = 0;
			const context: ExpandContext = {
				...inferContext(node, {
					bounds: boundsOf(graph),
					type: name => graph.types.get(name),
					constant: name => graph.constants.get(name),
					value: name => known.get(name),
				}),
				inputNames: node.inputs,
				outputNames: node.outputs,
				addConstant(tensor) {
					const constant = 'read' in tensor ? tensor : constantOf(tensor);
					const name = `${node.name}/constant.${count++}`;
					constants.set(name, constant);
					types.set(name, {dtype: constant.dtype, shape: constant.dims});
					return name;
				},
				addNode(op, inputs, attributes: Attributes = {}, outputs = 1) {
					const name = `${node.name}/${op.replace(/^.*\./, '')}.${count++}`;
					const made = typeof outputs === 'number' ? Array.from({length: outputs}, (_, index) => `${name}:${index}`) : outputs;
					nodes.push({op, name, inputs, outputs: made, attributes});
					return [...made];
				},
			};
			expand(context);
		}

		return {...graph, nodes, constants, types};
	},
};
