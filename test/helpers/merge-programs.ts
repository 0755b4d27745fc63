/** Many programs as one: each becomes an entry, and its buffers, constants and weights are prefixed by its name. */
import type {Argument, Buffer, Entry, KernelCall, Program} from '../../compiler/plan/program.js';
import {largest} from '../../compiler/plan/lower.js';

export const prefixed = (program: string, name: string): string => `${program}/${name}`;

/** @param programs Programs of one entry, by the name that the entry gets. */
export function mergePrograms(programs: ReadonlyMap<string, Program>): Program {
	const parts = [...programs].map(([name, program]) => part(name, program));
	return {
		threads: Math.max(1, ...[...programs.values()].map(({threads}) => threads)),
		entries: parts.flatMap(({entries}) => entries),
		buffers: new Map(parts.flatMap(({buffers}) => [...buffers])),
		constants: new Map(parts.flatMap(({constants}) => [...constants])),
		weights: parts.flatMap(({weights}) => weights),
		inputs: [],
		outputs: [],
		states: [],
		symbols: {},
		bounds: {},
	};
}

function part(name: string, program: Program): Pick<Program, 'entries' | 'buffers' | 'constants' | 'weights'> {
	const [entry, ...others] = program.entries;
	if (!entry || others.length > 0) {
		throw new Error(`${name} has ${program.entries.length} entries`);
	}

	// Symbols of the same name have other bounds in other programs, so that sizes are settled here.
	const buffers = (map: ReadonlyMap<string, Buffer>): Array<[string, Buffer]> =>
		[...map.values()].map(buffer => [
			prefixed(name, buffer.name),
			{...buffer, name: prefixed(name, buffer.name), bytes: largest(buffer.bytes, program.bounds)},
		]);
	const merged: Entry = {name, symbols: entry.symbols, calls: entry.calls.map(call => renamed(name, call)), buffers: new Map(buffers(entry.buffers))};
	return {
		entries: [merged],
		buffers: new Map(buffers(program.buffers)),
		constants: new Map([...program.constants].map(([buffer, constant]) => [prefixed(name, buffer), constant])),
		weights: program.weights.map(row => ({...row, name: prefixed(name, row.name)})),
	};
}

function renamed(name: string, call: KernelCall): KernelCall {
	const argument = (value: Argument): Argument => {
		switch (value.kind) {
			case 'buffer': {
				return {...value, buffer: prefixed(name, value.buffer)};
			}

			case 'parts': {
				return {...value, weight: prefixed(name, value.weight)};
			}

			default: {
				return value;
			}
		}
	};

	return {...call, node: `${name}: ${call.node}`, arguments: Object.fromEntries(Object.entries(call.arguments).map(([key, value]) => [key, argument(value)]))};
}
