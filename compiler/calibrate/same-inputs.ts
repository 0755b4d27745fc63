/** Which weights are multiplied with the same vectors, as queries, keys and values are: what is known of the inputs of one is known of the others'. */
import type {KernelCall} from '../plan/program.js';
import {namedParameters, readPrototypes} from '../plan/prototypes.js';
import {productOf} from './float-program.js';

/** By the name of a weight the first one whose only product has the same inputs as its own: itself, where there is no other. */
export type SameInputs = (weight: string) => string;

/** @param calls All of an entry, in order. @param others Products elsewhere in the program. */
export function findSameInputs(calls: readonly KernelCall[], others: readonly KernelCall[]): SameInputs {
	const prototypes = readPrototypes();
	const products = [...calls, ...others].filter(call => productOf(call) !== undefined);
	const uses = (weight: string): number => products.filter(call => productOf(call) === weight).length;
	const writes = new Map<string, number>();
	const first = new Map<string, string>();
	const leaders = new Map<string, string>();
	for (const call of calls) {
		const weight = productOf(call);
		const {x, tokens, columns} = call.arguments;
		if (weight !== undefined && x?.kind === 'buffer' && uses(weight) === 1) {
			const inputs = JSON.stringify([x, writes.get(x.buffer), tokens, columns]);
			first.set(inputs, first.get(inputs) ?? weight);
			leaders.set(weight, first.get(inputs)!);
		}

		for (const {name, type} of namedParameters(prototypes[call.kernel]!)) {
			const argument = call.arguments[name];
			if (type === 'write' && argument?.kind === 'buffer') {
				writes.set(argument.buffer, (writes.get(argument.buffer) ?? 0) + 1);
			}
		}
	}

	return weight => leaders.get(weight) ?? weight;
}
