/** The model without loss, in f32 or what `arithmetic.ts` says, as a program that runs at compile time on tokens, and what its calls say about the products in it. */
import {openWeight, type GraphWeight} from '../allocate/weights.js';
import {encodingOf} from '../allocate/encoding.js';
import {FILLS} from '../bundle/fills.js';
import {elementsOf} from '../codecs/codec.js';
import {SnugError} from '../error.js';
import {readsOf} from '../graph/captures.js';
import type {Dim} from '../graph/dim.js';
import {attentionAttributes} from '../ops/fused/attention-attributes.js';
import {inferTypes, type TypedGraph} from '../passes/infer-types.js';
import {checkPlan} from '../plan/check.js';
import {largest, lower} from '../plan/lower.js';
import {planMemory, type Plan} from '../plan/memory.js';
import type {Entry, KernelCall, Program} from '../plan/program.js';
import {teamSize} from '../numeric/team.js';
import {readPrototypes} from '../plan/prototypes.js';
import {encodeIn, FLOAT, type Arithmetic} from './arithmetic.js';
import {createMachine, type Machine, type Symbols} from './machine.js';

export type FloatProgram = {
	readonly program: Program;
	readonly plan: Plan;
	readonly arithmetic: Arithmetic;
	/** The entry that runs tokens through the model. */
	readonly entry: Entry;
	/** Bytes of its activations. */
	readonly arenaBytes: number;
	/** Puts values, row-major, in the place of a weight. */
	setValues(machine: Machine, weight: Pick<GraphWeight, 'name' | 'rows' | 'columns'>, values: Float32Array): void;
	/** With all weights in place. They are copied from the machine that was opened before, whose weights have to be what they were. */
	open(): Promise<Machine>;
};

/** The model without loss: programs for runs of any length. */
export type FloatModel = {
	readonly weights: readonly GraphWeight[];
	/** That compute together. */
	readonly threads: number;
	readonly arithmetic: Arithmetic;
	/** As `seesWhole` says of its graph. */
	readonly whole: boolean;
	/** @param most The symbols of a run, at most; what the graph is bounded to unless given. */
	program(most?: Symbols): FloatProgram;
	/** Forgets the machine that was opened last. */
	release(): void;
};

export type FloatModelOptions = {readonly threads?: number; readonly arithmetic?: Arithmetic};

/** @param positions That states hold. @param options.threads As many as the size of the model is worth, unless given. @param options.arithmetic f32 unless given. */
export function floatModel(
	typed: TypedGraph,
	weights: readonly GraphWeight[],
	positions: number,
	{threads = teamSize(elementsOf(weights)), arithmetic = FLOAT}: FloatModelOptions = {},
): FloatModel {
	const prototypes = readPrototypes();
	// An output that something reads would be one buffer for all runs that stand side by side.
	const read = new Set(typed.graph.nodes.flatMap(readsOf));
	const graph = {...typed.graph, outputs: typed.graph.outputs.filter(name => !read.has(name))};
	const encoding = encodingOf(
		weights,
		weights.map(() => arithmetic.choice),
	);
	// To read a weight may mean to rotate it: the next machine copies from the last one.
	let last: Machine | undefined;
	return {
		weights,
		threads,
		arithmetic,
		whole: seesWhole(typed),
		release() {
			last = undefined;
		},
		program(most = {}) {
			const symbols = Object.fromEntries(
				Object.entries(graph.symbols).map(([name, {min, max}]) => [name, {min: Math.min(min, most[name] ?? min), max: most[name] ?? max}] as const),
			);
			const program = lower(inferTypes({...graph, symbols}), encoding, {cachePrecision: 'float32', positions, threads});
			const plan = planMemory(program, prototypes);
			checkPlan(program, plan, prototypes);
			return {
				program,
				plan,
				arithmetic,
				entry: program.entries.find(({name}) => name === (program.states.length === 0 ? 'run' : 'prefill'))!,
				arenaBytes: plan.arena.bytes,
				setValues(machine, {name, rows, columns}, values) {
					machine.setWeight(
						name,
						encodeIn(arithmetic, {name, rows, columns, read: (first, count) => values.subarray(first * columns, (first + count) * columns)}),
					);
				},
				async open() {
					const machine = await createMachine(program, plan);
					for (const weight of weights) {
						machine.setWeight(weight.name, last?.partsOf(weight.name) ?? encodeIn(arithmetic, openWeight(weight)));
					}

					last = machine;
					return machine;
				},
			};
		},
	};
}

/** Whether each token sees the whole text, as in an encoder: there is no state, and no attention that looks back alone. */
export const seesWhole = ({graph: {states, nodes}}: TypedGraph): boolean =>
	states.length === 0 && !nodes.some(({op, attributes}) => op === 'snug.Attention' && attentionAttributes(attributes).causal === 1);

/** Inputs that a text fills: those that the loader fills too, and the segment of a lone sentence. */
const FILLED = new Set([...Object.keys(FILLS), 'token_type_ids']);

/** An input that a text does not fill. */
const findStranger = ({graph: {inputs, states}}: TypedGraph): string | undefined =>
	inputs.find(name => !FILLED.has(name) && !states.some(({input}) => input === name));

/** Whether a text fills all inputs. */
export const readsText = (typed: TypedGraph): boolean => findStranger(typed) === undefined && typed.graph.inputs.some(name => FILLS[name] === 'tokens');

/** The tokens that a run takes: a fixed number, or at most so many; undefined where the state's positions bound it. */
export function tokensOf(typed: TypedGraph): {readonly most: number; readonly fixed: boolean} | undefined {
	const {inputs, types, symbols, states} = typed.graph;
	const stranger = findStranger(typed);
	if (stranger !== undefined) {
		throw new SnugError('cannot-calibrate', {
			subject: `input '${stranger}'`,
			problem: 'a text does not say what it holds',
			expected: [...FILLED].join(', '),
			hint: 'give a .npz with an array for every input, or --calibration none',
		});
	}

	const length: Dim | undefined = inputs.filter(name => FILLS[name] === 'tokens').map(name => types.get(name)!.shape.at(-1)!)[0];
	if (typeof length === 'number') {
		return {most: length, fixed: true};
	}

	return states.length > 0 || symbols['sequence'] === undefined ? undefined : {most: symbols['sequence'].max, fixed: false};
}

/** The weight that a call multiplies vectors with. */
export function productOf({arguments: {parts, x}}: KernelCall): string | undefined {
	return parts?.kind === 'parts' && x ? parts.weight : undefined;
}

/** The products of the entry of logits, which takes one vector a call: all of them lie one behind the other. */
export const headProducts = (program: Program): readonly KernelCall[] =>
	program.entries.find(({name}) => name === 'head')?.calls.filter(call => productOf(call) !== undefined) ?? [];

/** The most vectors that a call multiplies. */
export function vectorsOf({arguments: {tokens}}: KernelCall, {bounds}: Program): number {
	return tokens?.kind === 'number' ? largest(tokens.value, bounds) : 1;
}
