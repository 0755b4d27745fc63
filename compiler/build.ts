/** The back half of the pipeline: a graph and the codes of its weights → program, plan and modules, and what they cost. */
import type {TypedGraph} from './passes/infer-types.js';
import {checkPlan} from './plan/check.js';
import type {Encoding} from './plan/encoding.js';
import {lower, type LowerOptions} from './plan/lower.js';
import {planMemory, type Plan} from './plan/memory.js';
import type {Program} from './plan/program.js';
import {readPrototypes} from './plan/prototypes.js';
import {equalLength} from '../targets/wasm/equal-length.js';
import {emit, variants, type Variant} from '../targets/wasm/emit.js';

export type Built = {
	readonly program: Program;
	readonly plan: Plan;
	readonly modules: Readonly<Record<Variant, Uint8Array>>;
	/** Memory and the program, whose variants are equally long. */
	readonly total: number;
};

export async function build(typed: TypedGraph, encoding: Encoding, options: LowerOptions): Promise<Built> {
	const prototypes = readPrototypes();
	const program = lower(typed, encoding, options);
	const plan = planMemory(program, prototypes);
	checkPlan(program, plan, prototypes);
	const emitted: Array<readonly [Variant, Uint8Array]> = [];
	for (const variant of variants) {
		const {bytes} = await emit(program, plan, prototypes, variant);
		emitted.push([variant, bytes]);
	}

	const modules = equalLength(Object.fromEntries(emitted) as Record<Variant, Uint8Array>);
	return {program, plan, modules, total: plan.memory + modules.plain.length};
}

/** Where the bytes go, each address counted once. The rows sum to the total. */
export function reportBytes({program, plan, total}: Built): {
	weights: number;
	state: number;
	activations: number;
	program: number;
	other: number;
	padding: number;
	total: number;
} {
	const sum = (bytes: Iterable<number>): number => [...bytes].reduce((a, b) => a + b, 0);
	const fixed = (role: string): number => sum([...plan.fixed].filter(([name]) => program.buffers.get(name)!.role === role).map(([, {bytes}]) => bytes));
	const weights = sum([...plan.parts.values()].map(({bytes}) => bytes));
	const state = fixed('state');
	const activations = plan.arena.bytes + fixed('shared');
	const other = plan.table.bytes + plan.barrier.bytes + plan.argumentBlock.bytes + fixed('constant') + fixed('input') + fixed('output');
	const padding = plan.memory - weights - state - activations - other;
	return {weights, state, activations, program: total - plan.memory, other, padding, total};
}
