/**
 * Byte offsets of everything in linear memory. From low to high: the descriptor table, the barrier's words, the argument blocks, fixed
 * buffers (constants, inputs, outputs, states, values shared by entries), one arena in which every entry lays its activations, and the
 * weights' parts.
 *
 * Activations: larger first, at the lowest gap among the buffers that live at the same time (as in arXiv 2001.03288).
 */
import {ALIGNMENT, BARRIER_BYTES, CACHE_LINE, PAGE} from '../bundle/format.js';
import type {Prototypes} from './prototypes.js';
import {largest} from './lower.js';
import {lifetimes, type Lifetime} from './liveness.js';
import {findPhases, type Phase} from './phases.js';
import type {Entry, Program} from './program.js';

export type Plan = {
	/** The first address that is not zero: address 0 stays free so that a null pointer is nobody's. */
	readonly table: {readonly address: number; readonly bytes: number; readonly rows: ReadonlyMap<string, readonly number[]>};
	/** The words of the barrier; none for a program of one thread. */
	readonly barrier: {readonly address: number; readonly bytes: number};
	/** One for each thread, `stride` bytes apart. */
	readonly argumentBlock: {readonly address: number; readonly bytes: number; readonly stride: number};
	/** By entry. */
	readonly phases: ReadonlyMap<string, readonly Phase[]>;
	/** Fixed buffers. */
	readonly fixed: ReadonlyMap<string, {readonly address: number; readonly bytes: number}>;
	readonly arena: {readonly address: number; readonly bytes: number};
	/** Activations of each entry, by entry name and buffer name. */
	readonly activations: ReadonlyMap<string, ReadonlyMap<string, {readonly address: number; readonly bytes: number}>>;
	/** Addresses of the parts, `WEIGHT/PART`. */
	readonly parts: ReadonlyMap<string, {readonly address: number; readonly bytes: number}>;
	/** Bytes used, and bytes of the memory: whole pages. */
	readonly used: number;
	readonly memory: number;
};

export const align = (value: number, to: number = ALIGNMENT): number => Math.ceil(value / to) * to;

export const partName = (weight: string, part: string): string => `${weight}/${part}`;

export function planMemory(program: Program, prototypes: Prototypes): Plan {
	const rows = new Map<string, readonly number[]>();
	let words = 0;
	for (const {name, terms} of program.weights) {
		// A row: the number of terms; then for each term its kernel (0: called directly) and the addresses of its parts.
		rows.set(
			name,
			terms.map((_, index) => 4 * (words + 2 + terms.slice(0, index).reduce((sum, {parts}) => sum + parts.length + 1, 0))),
		);
		words += 1 + terms.reduce((sum, {parts}) => sum + parts.length + 1, 0);
	}

	let at = ALIGNMENT;
	const take = (bytes: number): {address: number; bytes: number} => {
		const place = {address: at, bytes};
		at = align(at + bytes);
		return place;
	};

	const table = {...take(4 * words), rows};
	const {threads} = program;
	const barrier = take(threads === 1 ? 0 : BARRIER_BYTES);
	const mostArguments = Math.max(0, ...program.entries.flatMap(({calls}) => calls.map(argumentBytes)));
	const stride = threads === 1 ? mostArguments : align(mostArguments, CACHE_LINE);
	const argumentBlock = {...take(stride * threads), stride};
	const phases = new Map(program.entries.map(entry => [entry.name, findPhases(program, entry, prototypes)]));
	const fixed = new Map([...program.buffers].map(([name, {bytes}]) => [name, take(largest(bytes, program.bounds))]));
	const laid = program.entries.map(entry => [entry.name, layActivations(entry, phases.get(entry.name)!, program, prototypes)] as const);
	const arena = take(Math.max(0, ...laid.map(([, {bytes}]) => bytes)));
	const activations = new Map(
		laid.map(([name, {offsets}]) => [name, new Map([...offsets].map(([buffer, {offset, bytes}]) => [buffer, {address: arena.address + offset, bytes}]))]),
	);
	const parts = new Map(
		program.weights.flatMap(({name, terms}) => terms.flatMap(term => term.parts.map(part => [partName(name, part.name), take(part.bytes)] as const))),
	);
	return {table, barrier, argumentBlock, phases, fixed, arena, activations, parts, used: at, memory: align(at, PAGE)};
}

export const argumentBytes = (call: Entry['calls'][number]): number =>
	Object.values(call.arguments).reduce((sum, argument) => sum + (argument.kind === 'numbers' ? 4 * argument.values.length : 0), 0);

type Laid = {readonly bytes: number; readonly offsets: ReadonlyMap<string, {readonly offset: number; readonly bytes: number}>};

function layActivations(entry: Entry, phases: readonly Phase[], program: Program, prototypes: Prototypes): Laid {
	const live = lifetimes(entry, phases, prototypes);
	const placed: Array<Lifetime & {offset: number; bytes: number}> = [];
	const sized = live.map(lifetime => ({...lifetime, bytes: largest(entry.buffers.get(lifetime.buffer)!.bytes, program.bounds)}));
	for (const next of sized.sort((a, b) => b.bytes - a.bytes || a.first - b.first)) {
		const rivals = placed.filter(other => other.first <= next.last && next.first <= other.last).sort((a, b) => a.offset - b.offset);
		let offset = 0;
		for (const rival of rivals) {
			if (offset + next.bytes <= rival.offset) {
				break;
			}

			offset = Math.max(offset, align(rival.offset + rival.bytes));
		}

		placed.push({...next, offset});
	}

	return {
		bytes: Math.max(0, ...placed.map(({offset, bytes}) => align(offset + bytes))),
		offsets: new Map(placed.map(({buffer, offset, bytes}) => [buffer, {offset, bytes}])),
	};
}
