/**
 * A case of the backend suite brought to a program by the real stages. Its inputs are fed at run time, so that nothing folds away; only
 * what must be known at compile time (the shape of a Reshape, axes, pads) becomes a constant.
 */
import type {Option} from '../../compiler/allocate/allocate.js';
import {findWeights, type GraphWeight} from '../../compiler/allocate/weights.js';
import {encodingOf} from '../../compiler/allocate/encoding.js';
import {SnugError} from '../../compiler/error.js';
import type {DType} from '../../compiler/graph/dtype.js';
import type {Graph} from '../../compiler/graph/graph.js';
import {constant, type Tensor} from '../../compiler/graph/tensor.js';
import {importModel} from '../../compiler/onnx/import.js';
import type {TypedGraph} from '../../compiler/passes/infer-types.js';
import {optimize} from '../../compiler/passes/optimize.js';
import {checkPlan} from '../../compiler/plan/check.js';
import {lower} from '../../compiler/plan/lower.js';
import {planMemory} from '../../compiler/plan/memory.js';
import type {Program} from '../../compiler/plan/program.js';
import {readPrototypes} from '../../compiler/plan/prototypes.js';
import {loadCase} from './node-cases.js';

export type PreparedCase = {
	readonly name: string;
	readonly typed: TypedGraph;
	readonly weights: readonly GraphWeight[];
	readonly program: Program;
	/** Inputs that became constants. */
	readonly constants: readonly string[];
	readonly feeds: ReadonlyMap<string, Tensor>;
	readonly expected: ReadonlyMap<string, Tensor>;
};

/** Why a case does not become a program. */
export type RefusedCase = {readonly name: string; readonly error: Error};

/** Weights stay as they are: the suite judges ops, not codes. */
const exact: Pick<Option, 'codec' | 'parameters'> = {codec: 'dense', parameters: {dtype: 'float32'}};

/** @param constants Exactly the inputs that become constants; as few as possible unless given. */
export function prepareCase(name: string, constants?: readonly string[]): PreparedCase | RefusedCase {
	try {
		const {path, inputs, outputs} = loadCase(name);
		const graph = withoutStates(importModel(path));
		const feeds = new Map([...inputs].map(([input, tensor]) => [input, relabelled(tensor, graph.types.get(input)?.dtype)] as const));
		const prepare = (constants: readonly string[]): PreparedCase => {
			const typed = optimize(withConstants(graph, feeds, constants));
			const weights = findWeights(typed.graph);
			const program = lower(
				typed,
				encodingOf(
					weights,
					weights.map(() => exact),
				),
				{cachePrecision: 'float32', positions: 1},
			);
			checkPlan(program, planMemory(program, readPrototypes()), readPrototypes());
			const expected = new Map([...outputs].map(([output, tensor]) => [output, relabelled(tensor, typed.graph.types.get(output)?.dtype)] as const));
			return {name, typed, weights, program, constants, feeds, expected};
		};

		return firstThatWorks(name, prepare, constants ? [constants] : candidates(graph, feeds));
	} catch (error) {
		return {name, error: error as Error};
	}
}

/** Every set of inputs as constants, fewest first; the error is that of no constants at all. */
function firstThatWorks(name: string, prepare: (constants: readonly string[]) => PreparedCase, sets: Iterable<readonly string[]>): PreparedCase | RefusedCase {
	let first: Error | undefined;
	for (const constants of sets) {
		try {
			return prepare(constants);
		} catch (error) {
			first ??= error as Error;
			// What is known decides shapes and branches; no constant helps a type without a kernel, or hides a bug.
			if (!(error instanceof SnugError && ['invalid-node', 'data-dependent-branch'].includes(error.code))) {
				break;
			}
		}
	}

	return {name, error: first!};
}

/** Integers of rank 0 or 1 and scalars; where they do not suffice, lists of floats too (the scales of Resize). */
function* candidates(graph: Graph, feeds: ReadonlyMap<string, Tensor>): Generator<readonly string[]> {
	const short = graph.inputs.filter(name => (feeds.get(name)?.dims.length ?? 2) < 2);
	const whole = short.filter(name => !/float/.test(feeds.get(name)!.dtype) || feeds.get(name)!.dims.length === 0);
	yield* subsets(whole);
	if (short.length > whole.length) {
		yield* [...subsets(short)].filter(set => set.some(name => !whole.includes(name)));
	}
}

function subsets(names: readonly string[]): string[][] {
	const all = Array.from({length: 2 ** names.length}, (_, mask) => names.filter((_, index) => mask & (1 << index)));
	return all.sort((a, b) => a.length - b.length);
}

function withConstants(graph: Graph, feeds: ReadonlyMap<string, Tensor>, names: readonly string[]): Graph {
	return {
		...graph,
		inputs: graph.inputs.filter(input => !names.includes(input)),
		constants: new Map([...graph.constants, ...names.map(name => [name, constant(feeds.get(name)!)] as const)]),
	};
}

/** A case gives its past as an input and wants its present as an output. */
const withoutStates = (graph: Graph): Graph => ({...graph, states: []});

/** The suite's files hold bfloat16 as uint16. */
const relabelled = (tensor: Tensor, declared: DType | undefined): Tensor =>
	tensor.dtype === 'uint16' && declared === 'bfloat16' ? {...tensor, dtype: 'bfloat16'} : tensor;
