/** The code whose error is tried on a model: coarse enough to be far above rounding, fine enough for losses to add up. */
import type {Codec, Weight} from '../codecs/codec.js';
import {codecs} from '../codecs/index.js';

/** Narrow weights in shorter groups. */
const PROBE = {codec: 'planes', parameters: {bits: 3, group: 64}, narrow: {bits: 3, group: 32}} as const;

/** What the code makes of a weight, row-major; with column feedback where the weight brings some. */
export function probed(weight: Weight): Float32Array {
	const codec = codecs.get(PROBE.codec) as Codec;
	const parameters = weight.columns < PROBE.parameters.group ? PROBE.narrow : PROBE.parameters;
	return codec.decode(codec.encode(weight, parameters), weight, parameters, 0, weight.rows);
}
