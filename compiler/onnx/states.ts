/**
 * Finds the pairs of an input and an output that carry state, by the names that exporters give them: `past_key_values.0.key` and
 * `present.0.key`, `past_conv.0` and `present_conv.0`, `past_key_self_0` and `present_key_self_0`.
 */
import type {State} from '../graph/graph.js';
import type {DeclaredDim} from './value-type.js';

export type Declared = ReadonlyMap<string, readonly DeclaredDim[] | undefined>;

export function findStates(inputs: Declared, outputs: Declared): State[] {
	return [...inputs].flatMap(([input, dims]) => {
		const output = counterparts(input).find(name => outputs.has(name));
		if (output === undefined || dims === undefined) {
			return [];
		}

		const axis = growingAxis(input, dims, outputs.get(output));
		return [axis === undefined ? {input, output} : {input, output, axis}];
	});
}

function counterparts(input: string): string[] {
	const cache = /^past_key_values[._](.+)$/.exec(input);
	const other = /^past([._].+)$/.exec(input);
	return [...(cache ? [`present.${cache[1]!}`, `present_${cache[1]!}`] : []), ...(other ? [`present${other[1]!}`] : [])];
}

/** The axis whose length the output has more of: named after the past, written differently in the output, or the only open one. */
function growingAxis(name: string, input: readonly DeclaredDim[], output: readonly DeclaredDim[] | undefined): number | undefined {
	// What comes from the encoder is computed once and keeps its length.
	if (/encoder|cross/.test(name.replace(/decoder/g, ''))) {
		return undefined;
	}

	const open = [...input.keys()].filter(axis => axis > 0 && typeof input[axis] !== 'number');
	const named = open.find(axis => /past/i.test(String(input[axis])));
	if (named !== undefined) {
		return named;
	}

	const written =
		output?.length === input.length ? open.find(axis => input[axis] !== undefined && output[axis] !== undefined && input[axis] !== output[axis]) : undefined;
	return written ?? (open.length === 1 && /key|value|^past_\d+$/.test(name) ? open[0] : undefined);
}
