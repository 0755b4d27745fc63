/**
 * Where the threads of an entry must meet. A phase is a run of calls between two barriers: no two of its calls touch the same buffer
 * with one of them writing, unless thread 0 alone makes both.
 */
import {keyOf, range} from '../graph/dim.js';
import type {Entry, KernelCall, Program} from './program.js';
import {isThreaded, namedParameters, type Prototypes} from './prototypes.js';

/** The kernel that ends a phase; called by the target, never by an op. */
export const BARRIER = 'barrier';

export type Phase = {
	/** Indices of calls. */
	readonly first: number;
	readonly end: number;
	/** Calls that all threads make; thread 0 makes the others. */
	readonly shared: ReadonlySet<number>;
};

/** A call that touches no more bytes is over before others have come, so thread 0 makes it: neighbours then need no barrier. */
const SMALL = 32 * 1024;

type Access = {readonly buffer: string; readonly writes: boolean; readonly slice: string | undefined};

export function findPhases(program: Pick<Program, 'threads' | 'buffers' | 'bounds'>, entry: Entry, prototypes: Prototypes): Phase[] {
	const {calls} = entry;
	if (program.threads === 1) {
		return calls.length > 0 ? [{first: 0, end: calls.length, shared: new Set()}] : [];
	}

	const unknown = calls.find(({kernel}) => !prototypes[kernel]);
	if (unknown) {
		throw new Error(`${unknown.node}: there is no kernel '${unknown.kernel}'`);
	}

	const accesses = calls.map(call => accessesOf(call, prototypes));
	const isShared = calls.map((call, index) => isThreaded(prototypes[call.kernel]!) && !isSmall(call, accesses[index]!, program, entry));
	const phases: Phase[] = [];
	let first = 0;
	for (let index = 1; index <= calls.length; index++) {
		const others = Array.from({length: index - first}, (_, at) => first + at);
		if (
			index === calls.length ||
			others.some(other => (isShared[other]! || isShared[index]!) && accesses[other]!.some(a => accesses[index]!.some(b => clash(a, b))))
		) {
			phases.push({first, end: index, shared: new Set(others.filter(other => isShared[other]))});
			first = index;
		}
	}

	return phases;
}

function isSmall({arguments: given}: KernelCall, accesses: readonly Access[], {buffers, bounds}: Pick<Program, 'buffers' | 'bounds'>, entry: Entry): boolean {
	if (Object.values(given).some(({kind}) => kind === 'parts')) {
		return false;
	}

	const sizes = new Map<string, number>();
	for (const {buffer, writes} of accesses) {
		const {role, bytes} = (buffers.get(buffer) ?? entry.buffers.get(buffer))!;
		// Of what outlives an entry, a call writes the few rows that are new.
		const few = writes && (role === 'state' || role === 'shared');
		sizes.set(buffer, Math.max(sizes.get(buffer) ?? 0, few ? 0 : range(bytes, bounds).max));
	}

	return [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0) <= SMALL;
}

/** What a call touches of buffers; where it starts in one says little of how far it goes, so a buffer counts as a whole. */
const accessesOf = ({kernel, arguments: given}: KernelCall, prototypes: Prototypes): Access[] =>
	namedParameters(prototypes[kernel]!).flatMap(({name, type}) => {
		const argument = given[name];
		if (argument?.kind !== 'buffer') {
			return [];
		}

		const {buffer, offset, threadStride} = argument;
		return [{buffer, writes: type !== 'read', slice: threadStride === undefined ? undefined : `${keyOf(offset)} ${keyOf(threadStride)}`}];
	});

/** Slices of threads that are cut alike belong to the same thread in both calls. */
const clash = (a: Access, b: Access): boolean => a.buffer === b.buffer && (a.writes || b.writes) && (a.slice === undefined || a.slice !== b.slice);
