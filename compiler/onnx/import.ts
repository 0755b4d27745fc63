/**
 * An ONNX model to a `Graph`: functions inlined, old opsets upgraded, `Constant` nodes and initializers made constants, branches with a
 * known condition taken, values checked for single assignment and order, dimensions named.
 *
 * Types are filled for inputs and constants only; inference gives the others.
 */
import {SnugError} from '../error.js';
import type {Graph, ValueType} from '../graph/graph.js';
import type {Dim} from '../graph/dim.js';
import {constant, type Constant} from '../graph/tensor.js';
import {ops as allOps} from '../ops/index.js';
import {applyDims, type DimOptions} from './bounds.js';
import {inlineConstantBranches} from '../graph/branch.js';
import {collectFunctions} from './functions.js';
import {importBody, type Surroundings} from './body.js';
import type {OpTable} from './known-op.js';
import type {GraphProto} from './messages.js';
import {readModelFile, readOpsets, type ModelSource} from './model-file.js';
import {createNames} from '../graph/names.js';
import {findStates} from './states.js';
import {nameDims} from './symbols.js';
import {declaredDims, declaredType} from './value-type.js';

export type ImportOptions = DimOptions & {
	/** The known ops; all of `compiler/ops` unless given. */
	readonly ops?: OpTable;
};

/** The inputs as the file declares them, with the symbols of their dimensions open. */
export function readInputs(source: ModelSource): ReadonlyMap<string, {readonly dtype: ValueType['dtype']; readonly shape: readonly Dim[]}> {
	const {free, named} = declare(source);
	return new Map([...free].map(([name, {dtype}]) => [name, {dtype, shape: named.shapes.get(name)!}]));
}

function declare(source: ModelSource) {
	const {model, graph, origin, subject} = readModelFile(source);
	const initial = new Set([...graph.initializer.map(({name}) => name), ...graph.sparseInitializer.map(({values}) => values?.name ?? '')]);
	// Before IR version 4 every initializer is listed as an input too; since then such an input has a default. Both are constants here.
	const inputs = graph.input.filter(({name}) => !initial.has(name));
	const declared = new Map(inputs.map(value => [value.name, declaredType(value, `input '${value.name}' in ${subject}`)] as const));
	if (declared.size < inputs.length) {
		throw new SnugError('duplicate-value', {subject, problem: 'two inputs have the same name', found: inputs.map(({name}) => name).join(', ')});
	}

	const states = findStates(
		new Map([...declared].map(([name, {dims}]) => [name, dims] as const)),
		new Map(graph.output.map(value => [value.name, declaredDims(value)] as const)),
	);
	const fixed = fixedInputs([...declared.keys()]);
	const free = new Map([...declared].filter(([name]) => !fixed.has(name)));
	const named = nameDims(new Map([...free].map(([name, {dims}]) => [name, dims] as const)), states);
	return {model, graph, origin, subject, states, fixed, free, named};
}

export function importModel(source: ModelSource, options: ImportOptions = {}): Graph {
	const {model, graph, origin, subject, states, fixed, free, named} = declare(source);
	const {shapes, symbols} = applyDims(named, options, subject);
	const around: Surroundings = {
		ops: options.ops ?? allOps,
		functions: collectFunctions(model.functions, subject),
		origin,
		subject,
		names: createNames(valueNames(graph)),
		nodeNames: createNames(),
		given: new Set(),
	};
	const body = importBody(graph, {opsets: readOpsets(model.opsetImport, subject), callers: []}, {inputs: [...free.keys()], constants: fixed}, around);
	const types = new Map<string, ValueType>([...free].map(([name, {dtype}]) => [name, {dtype, shape: shapes.get(name) as readonly Dim[]}] as const));
	for (const [name, {dtype, dims}] of body.constants) {
		types.set(name, {dtype, shape: dims});
	}

	return inlineConstantBranches({
		name: graph.name,
		symbols,
		inputs: [...free.keys()],
		outputs: graph.output.map(({name}) => name),
		nodes: body.nodes,
		types,
		constants: body.constants,
		values: new Map(),
		states,
	});
}

/**
 * A merged decoder chooses with `use_cache_branch` between a branch with past positions and one without. The first serves both, since
 * zero positions may be past; but only where no state comes from an encoder, which the branch without past computes.
 */
function fixedInputs(inputs: readonly string[]): Map<string, Constant> {
	const fromEncoder = inputs.some(name => /^past_key_values\..*encoder/.test(name.replace(/decoder/g, '')));
	return new Map(
		inputs.includes('use_cache_branch') && !fromEncoder ? [['use_cache_branch', constant({dtype: 'bool', dims: [1], data: Uint8Array.of(1)})]] : [],
	);
}

const valueNames = (graph: GraphProto): string[] => [
	...graph.input.map(({name}) => name),
	...graph.initializer.map(({name}) => name),
	...graph.node.flatMap(node => [...node.output, ...node.attribute.flatMap(({g}) => (g ? valueNames(g) : []))]),
];
