/** From which call to which call an entry's activations hold something. */
import type {Prototypes} from './prototypes.js';
import type {Entry} from './program.js';

export type Lifetime = {readonly buffer: string; readonly first: number; readonly last: number};

/** A buffer lives from the first call that touches it to the last; inputs and outputs of one call therefore never share bytes. */
export function lifetimes({calls, buffers}: Entry, prototypes: Prototypes): Lifetime[] {
	const spans = new Map<string, {first: number; last: number}>();
	for (const [index, {kernel, arguments: parameters, node}] of calls.entries()) {
		for (const {name, type} of prototypes[kernel]?.parameters ?? []) {
			const argument = parameters[name];
			if (argument?.kind !== 'buffer' || !buffers.has(argument.buffer)) {
				continue;
			}

			const span = spans.get(argument.buffer);
			if (!span && type === 'read') {
				throw new Error(`${node}: ${kernel} reads '${argument.buffer}' before any call has written it`);
			}

			spans.set(argument.buffer, {first: span?.first ?? index, last: index});
		}
	}

	return [...spans].map(([buffer, span]) => ({buffer, ...span}));
}
