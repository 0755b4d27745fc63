/** Which code holds which weight: what allocation chose, as lowering needs it. */
import type {Kernels, Parameters} from '../codecs/codec.js';
import {codecs} from '../codecs/index.js';

export type EncodedWeight = {
	/** The constant of the graph; weights that share one matrix share the name. */
	readonly name: string;
	readonly rows: number;
	readonly columns: number;
	readonly codec: string;
	readonly parameters: Parameters;
};

/** By the name of the constant that a node reads. */
export type Encoding = ReadonlyMap<string, EncodedWeight>;

export const codecOf = ({codec, parameters}: EncodedWeight): Kernels => codecs.get(codec)!.kernels(parameters);
