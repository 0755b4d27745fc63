/**
 * Proves a plan, sharing no code with the planner: everything has a place of its size, inside the memory and aligned, fixed things are
 * disjoint, no two activations that hold something at the same time overlap, and each call names every parameter of its kernel.
 */
import {multiply, range, type Dim} from '../graph/dim.js';
import {checkPhases} from './check-phases.js';
import type {Plan} from './memory.js';
import type {Program} from './program.js';
import {isThreaded, namedParameters, type Prototypes} from './prototypes.js';

type Range = {readonly what: string; readonly address: number; readonly bytes: number};

export function checkPlan(program: Program, plan: Plan, prototypes: Prototypes): void {
	const fixed: Range[] = [
		{what: 'descriptor table', ...plan.table},
		{what: 'barrier', ...plan.barrier},
		{what: 'argument block', ...plan.argumentBlock},
		{what: 'arena', ...plan.arena},
		...[...plan.fixed].map(([what, place]) => ({what, ...place})),
		...[...plan.parts].map(([what, place]) => ({what, ...place})),
	];
	disjoint(fixed);
	holds('argument block', plan.argumentBlock, plan.argumentBlock.stride * program.threads);
	holds('barrier', plan.barrier, program.threads > 1 ? 256 : 0);
	for (const place of fixed) {
		inside(place, 0, plan.memory);
	}

	const most = (bytes: Dim): number => range(bytes, program.bounds).max;
	for (const [name, {bytes}] of program.buffers) {
		holds(name, plan.fixed.get(name), most(bytes));
	}

	for (const {name, terms} of program.weights) {
		for (const part of terms.flatMap(({parts}) => parts)) {
			holds(`${name}/${part.name}`, plan.parts.get(`${name}/${part.name}`), part.bytes);
		}
	}

	for (const entry of program.entries) {
		const places = plan.activations.get(entry.name) ?? new Map<string, {address: number; bytes: number}>();
		const seen = new Map<string, [number, number]>();
		for (const [index, call] of entry.calls.entries()) {
			const prototype = prototypes[call.kernel];
			if (!prototype) {
				throw new Error(`${call.node}: there is no kernel '${call.kernel}'`);
			}

			const names = namedParameters(prototype).map(({name}) => name);
			const missing = names.filter(name => !(name in call.arguments));
			const surplus = Object.keys(call.arguments).filter(name => !names.includes(name));
			if (missing.length > 0 || surplus.length > 0) {
				throw new Error(`${call.node}: ${call.kernel}(${names.join(', ')}): missing ${missing.join(', ') || 'none'}, unknown ${surplus.join(', ') || 'none'}`);
			}

			const scratch = call.arguments['scratch'];
			if (isThreaded(prototype) && scratch?.kind === 'buffer' && scratch.threadStride === undefined) {
				throw new Error(`${call.node}: all threads of ${call.kernel} would use one scratch: expected one from threadScratch`);
			}

			let words = 0;
			for (const argument of Object.values(call.arguments)) {
				if (argument.kind === 'numbers') {
					words += argument.values.length;
				}

				if (argument.kind === 'parts' && plan.table.rows.get(argument.weight)?.[argument.term] === undefined) {
					throw new Error(`${call.node}: ${call.kernel} uses weight '${argument.weight}', term ${argument.term}, which has no row`);
				}

				if (argument.kind !== 'buffer') {
					continue;
				}

				const place = places.get(argument.buffer) ?? plan.fixed.get(argument.buffer);
				if (!place) {
					throw new Error(`${call.node}: ${call.kernel} uses '${argument.buffer}', which has no place`);
				}

				const offset = range(argument.offset, program.bounds);
				if (offset.min < 0 || offset.max > place.bytes) {
					const start = offset.min < 0 ? offset.min : offset.max;
					throw new Error(`${call.node}: ${call.kernel} starts ${start} bytes into '${argument.buffer}', which has ${place.bytes}`);
				}

				const slices = range(multiply(argument.threadStride ?? 0, program.threads), program.bounds).max;
				if (offset.max + slices > place.bytes) {
					throw new Error(`${call.node}: ${call.kernel} cuts ${slices} bytes of '${argument.buffer}' into slices, which has ${place.bytes}`);
				}

				if (places.has(argument.buffer)) {
					const span = seen.get(argument.buffer) ?? [index, index];
					seen.set(argument.buffer, [span[0], index]);
				}
			}

			holds('argument block', {bytes: plan.argumentBlock.stride}, 4 * words);
		}

		for (const buffer of seen.keys()) {
			holds(`${entry.name}: ${buffer}`, places.get(buffer), most(entry.buffers.get(buffer)!.bytes));
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
	checkPhases(program, plan, prototypes);
}

function holds(what: string, place: {readonly bytes: number} | undefined, bytes: number): void {
	if (!place) {
		throw new Error(`plan: ${what} has no place`);
	}

	if (place.bytes < bytes) {
		throw new Error(`plan: ${what} has ${place.bytes} bytes: expected ${bytes}`);
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
