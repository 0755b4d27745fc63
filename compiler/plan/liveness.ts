/** From which call to which call an entry's activations hold something. */
import type {Phase} from './phases.js';
import type {Prototypes} from './prototypes.js';
import type {Entry} from './program.js';

export type Lifetime = {readonly buffer: string; readonly first: number; readonly last: number};

/**
 * A buffer lives from the first call that touches it to the last; inputs and outputs of one call therefore never share bytes. Calls of
 * one phase run at the same time unless thread 0 makes them all, so that lifetimes reach as far as such calls do.
 */
export function lifetimes({calls, buffers}: Entry, phases: readonly Phase[], prototypes: Prototypes): Lifetime[] {
	const spans = new Map<string, {first: number; last: number}>();
	for (const phase of phases) {
		const shared = [...phase.shared];
		for (let index = phase.first; index < phase.end; index++) {
			const {kernel, arguments: parameters, node} = calls[index]!;
			const reach = phase.shared.has(index) ? [phase.first, phase.end - 1] : [index, ...shared];
			for (const {name, type} of prototypes[kernel]?.parameters ?? []) {
				const argument = parameters[name];
				if (argument?.kind !== 'buffer' || !buffers.has(argument.buffer)) {
					continue;
				}

				const span = spans.get(argument.buffer);
				if (!span && type === 'read') {
					throw new Error(`${node}: ${kernel} reads '${argument.buffer}' before any call has written it`);
				}

				spans.set(argument.buffer, {first: Math.min(span?.first ?? Infinity, ...reach), last: Math.max(span?.last ?? 0, ...reach)});
			}
		}
	}

	return [...spans].map(([buffer, span]) => ({buffer, ...span}));
}
