/**
 * Proves a plan, sharing no code with the planner: everything lies inside the memory and is aligned, fixed things are disjoint, no two
 * activations that hold something at the same time overlap, and each call names every parameter of its kernel.
 */
import type {Plan} from './memory.js';
import type {Program} from './program.js';
import type {Prototypes} from './prototypes.js';

type Range = {readonly what: string; readonly address: number; readonly bytes: number};

export function checkPlan(program: Program, plan: Plan, prototypes: Prototypes): void {
	const fixed: Range[] = [
		{what: 'descriptor table', ...plan.table},
		{what: 'argument block', ...plan.argumentBlock},
		{what: 'arena', ...plan.arena},
		...[...plan.fixed].map(([what, place]) => ({what, ...place})),
		...[...plan.parts].map(([what, place]) => ({what, ...place})),
	];
	disjoint(fixed);
	for (const range of fixed) {
		inside(range, 0, plan.memory);
	}

	for (const entry of program.entries) {
		const places = plan.activations.get(entry.name) ?? new Map<string, {address: number; bytes: number}>();
		const seen = new Map<string, [number, number]>();
		for (const [index, call] of entry.calls.entries()) {
			const parameters = prototypes[call.kernel]?.parameters;
			if (!parameters) {
				throw new Error(`${call.node}: there is no kernel '${call.kernel}'`);
			}

			const names = parameters.map(({name}) => name);
			const missing = names.filter(name => !(name in call.arguments));
			const surplus = Object.keys(call.arguments).filter(name => !names.includes(name));
			if (missing.length > 0 || surplus.length > 0) {
				throw new Error(`${call.node}: ${call.kernel}(${names.join(', ')}): missing ${missing.join(', ') || 'none'}, unknown ${surplus.join(', ') || 'none'}`);
			}

			for (const argument of Object.values(call.arguments)) {
				if (argument.kind !== 'buffer') {
					continue;
				}

				if (!places.has(argument.buffer) && !plan.fixed.has(argument.buffer)) {
					throw new Error(`${call.node}: ${call.kernel} uses '${argument.buffer}', which has no place`);
				}

				if (places.has(argument.buffer)) {
					const span = seen.get(argument.buffer) ?? [index, index];
					seen.set(argument.buffer, [span[0], index]);
				}
			}
		}

		for (const buffer of seen.keys()) {
			inside({what: `${entry.name}: ${buffer}`, ...places.get(buffer)!}, plan.arena.address, plan.arena.address + plan.arena.bytes);
		}

		for (let index = 0; index < entry.calls.length; index++) {
			disjoint(
				[...seen]
					.filter(([, [first, last]]) => first <= index && index <= last)
					.map(([what]) => ({what: `${entry.name}, call ${index}: ${what}`, ...places.get(what)!})),
			);
		}
	}
}

function inside({what, address, bytes}: Range, start: number, end: number): void {
	if (address % 16 !== 0 || address < start || address + bytes > end) {
		throw new Error(`plan: ${what} lies at ${address} to ${address + bytes}: expected a multiple of 16 inside ${start} to ${end}`);
	}
}

function disjoint(ranges: readonly Range[]): void {
	const sorted = ranges.filter(({bytes}) => bytes > 0).sort((a, b) => a.address - b.address);
	for (const [index, range] of sorted.entries()) {
		const next = sorted[index + 1];
		if (next && range.address + range.bytes > next.address) {
			throw new Error(`plan: ${range.what} (${range.address} to ${range.address + range.bytes}) overlaps ${next.what} (from ${next.address})`);
		}
	}
}
