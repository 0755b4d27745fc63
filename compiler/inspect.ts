/** What each stage of the pipeline makes of a model: `snug inspect MODEL --stage NAME`. */
import {findOptions, smallest} from './allocate/allocate.js';
import {findWeights} from './allocate/weights.js';
import {encodingOf} from './allocate/encoding.js';
import {importBounded} from './bounds.js';
import {SnugError} from './error.js';
import {keyOf} from './graph/dim.js';
import {print} from './graph/print.js';
import {passes, transforms} from './passes/index.js';
import type {TypedGraph} from './passes/infer-types.js';
import {openPool} from './jobs/pool.js';
import {optimize, transform} from './passes/optimize.js';
import {checkPlan} from './plan/check.js';
import {lower} from './plan/lower.js';
import {planMemory, type Plan} from './plan/memory.js';
import type {Argument, Program} from './plan/program.js';
import {readPrototypes} from './plan/prototypes.js';

/** Import, each pass, and what comes after them. `optimize` is the graph after the last pass, a transform's what it makes of that. */
export const stages: readonly string[] = [
	'import',
	...new Set(passes.map(({name}) => name)),
	'optimize',
	...transforms.map(({name}) => name),
	'weights',
	'lower',
	'plan',
];

export type Inspection = {readonly text: string; readonly json: unknown};

/** @param stage One of `stages`; `optimize` unless given. A pass that runs more than once shows its last result. */
export async function inspectStages(model: string, stage = 'optimize'): Promise<Inspection> {
	if (!stages.includes(stage)) {
		throw new SnugError('unknown-stage', {subject: `stage '${stage}'`, problem: 'there is none of that name', expected: stages.join(', ')});
	}

	const {graph: imported, positions} = importBounded(model);
	const graphs = new Map<string, TypedGraph>();
	const optimized = optimize(imported, passes, (name, typed) => graphs.set(name, typed));
	graphs.set('optimize', optimized);
	if (transforms.some(({name}) => name === stage)) {
		graphs.set(stage, transform(optimized, [stage]));
	}

	const found = graphs.get(stage);
	if (found) {
		const {graph} = found;
		return {text: print(graph), json: {stage, nodes: graph.nodes.map(({op, name, inputs, outputs}) => ({op, name, inputs, outputs}))}};
	}

	const weights = findWeights(optimized.graph);
	if (stage === 'weights') {
		const rows = weights.map(({name, rows: height, columns, uses}) => ({name, rows: height, columns, uses}));
		return {
			text: rows.map(({name, rows: height, columns, uses}) => `${height} × ${columns}  ${name}${uses.length > 1 ? '  (tied)' : ''}`).join('\n'),
			json: {stage, weights: rows},
		};
	}

	const chosen = smallest(await findOptions(weights, {codecs: ['dense']}, openPool(1)));
	const prototypes = readPrototypes();
	const program = lower(optimized, encodingOf(weights, chosen), {cachePrecision: 'float32', positions});
	if (stage === 'lower') {
		return {text: printProgram(program), json: {stage, entries: program.entries.map(({name, symbols, calls}) => ({name, symbols, calls}))}};
	}

	const plan = planMemory(program, prototypes);
	checkPlan(program, plan, prototypes);
	return {text: printPlan(plan), json: {stage, memory: plan.memory, used: plan.used, fixed: Object.fromEntries(plan.fixed), arena: plan.arena}};
}

function printProgram({entries}: Program): string {
	return entries
		.map(({name, symbols, calls}) =>
			[
				`${name}(${symbols.join(', ')})`,
				...calls.map(
					({kernel, arguments: parameters}) =>
						`  ${kernel}(${Object.entries(parameters)
							.map(([key, value]) => `${key}: ${printArgument(value)}`)
							.join(', ')})`,
				),
			].join('\n'),
		)
		.join('\n\n');
}

function printArgument(argument: Argument): string {
	switch (argument.kind) {
		case 'number': {
			return keyOf(argument.value);
		}

		case 'numbers': {
			return `[${argument.values.map(keyOf).join(', ')}]`;
		}

		case 'buffer': {
			return argument.offset === 0 ? `%${argument.buffer}` : `%${argument.buffer} + ${keyOf(argument.offset)}`;
		}

		case 'parts': {
			return `parts of ${argument.weight}`;
		}
	}
}

function printPlan(plan: Plan): string {
	const line = (name: string, {address, bytes}: {address: number; bytes: number}): string =>
		`${String(address).padStart(12)}  ${String(bytes).padStart(12)}  ${name}`;
	const lines = [
		line('descriptor table', plan.table),
		line('barrier', plan.barrier),
		line('argument blocks', plan.argumentBlock),
		...[...plan.fixed].map(([name, place]) => line(name, place)),
		line('arena of activations', plan.arena),
		...[...plan.parts].map(([name, place]) => line(name, place)),
	];
	const phases = [...plan.phases].map(([entry, list]) => {
		const shared = list.reduce((sum, phase) => sum + phase.shared.size, 0);
		return `${entry}: ${list.length} phases of ${list.at(-1)?.end ?? 0} calls, ${shared} of them shared by threads`;
	});
	return `     address         bytes  what\n${lines.join('\n')}\n${String(plan.memory).padStart(12)}  bytes of memory\n${phases.join('\n')}`;
}
