/** A graph as text: a line a node. What `snug inspect` shows and what the tests of passes compare. */
import {keyOf} from './dim.js';
import type {Attribute, Graph, ValueType} from './graph.js';

const printType = (type: ValueType | undefined): string => (type ? `${type.dtype}[${type.shape.map(keyOf).join(', ')}]` : '?');

function printAttribute(value: Attribute): string {
	if (typeof value === 'number' || typeof value === 'string') {
		return JSON.stringify(value);
	}

	if (Array.isArray(value)) {
		return `[${value.join(', ')}]`;
	}

	return 'nodes' in value ? `graph of ${value.nodes.length} nodes` : `${(value as {dtype: string}).dtype} constant`;
}

export function print(graph: Graph): string {
	const name = (value: string): string => {
		const known = graph.values.get(value);
		return known ? `[${known.map(keyOf).join(', ')}]` : value === '' ? '–' : `%${value}`;
	};

	const lines = [`graph ${graph.name}`];
	for (const input of graph.inputs) {
		lines.push(`  input %${input}: ${printType(graph.types.get(input))}`);
	}

	for (const [value, {dtype, dims}] of graph.constants) {
		lines.push(`  constant %${value}: ${dtype}[${dims.join(', ')}]`);
	}

	for (const node of graph.nodes) {
		const outputs = node.outputs.map(output => (output === '' ? '–' : `%${output}: ${printType(graph.types.get(output))}`));
		const attributes = Object.entries(node.attributes).map(([key, value]) => `${key}=${printAttribute(value)}`);
		lines.push(`  ${outputs.join(', ')} = ${node.op}(${node.inputs.map(name).join(', ')})${attributes.length > 0 ? ` {${attributes.join(', ')}}` : ''}`);
	}

	for (const output of graph.outputs) {
		lines.push(`  output %${output}`);
	}

	for (const {input, output} of graph.states) {
		lines.push(`  state %${input} → %${output}`);
	}

	return `${lines.join('\n')}\n`;
}
