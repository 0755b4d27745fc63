/**
 * Proves the phases of a plan from its addresses, sharing no code with what found them: phases cover the calls in order, and no two
 * calls that run at the same time touch the same bytes with one of them writing.
 */
import {equal, type Dim} from '../graph/dim.js';
import type {Plan} from './memory.js';
import type {Entry, Program} from './program.js';
import {isThreaded, namedParameters, type Prototypes} from './prototypes.js';

type Touch = {
	readonly what: string;
	readonly start: number;
	readonly end: number;
	readonly writes: boolean;
	/** Where the slices of threads start, and how far they are apart. */
	readonly slices: {readonly offset: Dim; readonly stride: Dim} | undefined;
};

export function checkPhases(program: Program, plan: Plan, prototypes: Prototypes): void {
	for (const entry of program.entries) {
		let next = 0;
		for (const {first, end, shared} of plan.phases.get(entry.name) ?? []) {
			if (first !== next || end <= first) {
				throw new Error(`plan: a phase of ${entry.name} has calls ${first} to ${end}: expected to begin with call ${next}`);
			}

			next = end;
			const touches = entry.calls.slice(first, end).map(call => touchesOf(entry, call, plan, prototypes));
			for (let index = first; index < end; index++) {
				const call = entry.calls[index]!;
				if (shared.has(index) && (program.threads === 1 || !isThreaded(prototypes[call.kernel]!))) {
					throw new Error(`${call.node}: ${call.kernel} cannot be called by ${program.threads} threads`);
				}

				for (let other = first; other < index; other++) {
					if (shared.has(index) || shared.has(other)) {
						apart(touches[other - first]!, touches[index - first]!, `${entry.name}, calls ${other} and ${index}`);
					}
				}
			}
		}

		if (next !== entry.calls.length) {
			throw new Error(`plan: the phases of ${entry.name} end at call ${next}: expected ${entry.calls.length}`);
		}
	}
}

function touchesOf(entry: Entry, {kernel, arguments: given}: Entry['calls'][number], plan: Plan, prototypes: Prototypes): Touch[] {
	return namedParameters(prototypes[kernel]!).flatMap(({name, type}) => {
		const argument = given[name];
		if (argument?.kind !== 'buffer') {
			return [];
		}

		const {address, bytes} = (plan.activations.get(entry.name)?.get(argument.buffer) ?? plan.fixed.get(argument.buffer))!;
		const {threadStride: stride, offset} = argument;
		const slices = stride === undefined ? undefined : {offset, stride};
		return [{what: argument.buffer, start: address, end: address + bytes, writes: type === 'write', slices}];
	});
}

function apart(one: readonly Touch[], other: readonly Touch[], where: string): void {
	for (const a of one) {
		const rival = other.find(b => (a.writes || b.writes) && a.start < b.end && b.start < a.end && !isOwn(a, b));
		if (rival) {
			throw new Error(`plan: ${where} run at the same time, and '${a.what}' overlaps '${rival.what}' from ${Math.max(a.start, rival.start)}`);
		}
	}
}

/** Whether each thread meets only its own slice in the other call. */
const isOwn = (a: Touch, b: Touch): boolean =>
	a.start === b.start && a.slices !== undefined && b.slices !== undefined && equal(a.slices.offset, b.slices.offset) && equal(a.slices.stride, b.slices.stride);
