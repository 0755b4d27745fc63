/** Options of weights as the encoding that lowering takes. */
import type {Parameters} from '../codecs/codec.js';
import type {EncodedWeight, Encoding} from '../plan/encoding.js';
import type {GraphWeight} from './weights.js';

/** @param options One for each weight. */
export const encodingOf = (weights: readonly GraphWeight[], options: ReadonlyArray<{readonly codec: string; readonly parameters: Parameters}>): Encoding =>
	new Map(
		weights.flatMap(({name, rows, columns, uses}, index) => {
			const {codec, parameters} = options[index]!;
			const encoded: EncodedWeight = {name, rows, columns, codec, parameters};
			return uses.map(use => [use, encoded] as const);
		}),
	);
