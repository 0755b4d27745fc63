/**
 * The numbers that calibration computes with. A small model runs in f32; a large one, whose products are what a compile waits for, in block
 * floating point, which is about as exact as f16 beside the largest of 64 neighbours, and takes half the time. What codes lose is a hundred times larger.
 */
import {BLOCK} from '../codecs/bfp.js';
import {codecs} from '../codecs/index.js';
import {elementsOf, type Kernels, type Shape, type Weight} from '../codecs/codec.js';
import type {Choice} from '../jobs/job.js';

export type Arithmetic = {
	/** The code in which weights stand in memory. */
	readonly choice: Choice;
	/** Kernels that sum up x xᵀ, and a (b − a)ᵀ, over vectors. */
	readonly gram: string;
	readonly crossGram: string;
	/** Bytes of scratch that `gram` takes for so many vectors; `crossGram` takes twice as many. */
	scratchOf(columns: number, vectors: number): number;
};

export const FLOAT: Arithmetic = {
	choice: {codec: 'dense', parameters: {dtype: 'float32'}},
	gram: 'gram_f32',
	crossGram: 'cross_gram_f32',
	scratchOf: (columns, vectors) => 4 * 8 * Math.ceil(columns / 8) * vectors,
};

export const BLOCK_FLOAT: Arithmetic = {
	choice: {codec: 'bfp', parameters: {}},
	gram: 'gram_bfp',
	crossGram: 'cross_gram_bfp',
	scratchOf: (columns, vectors) => (2 * BLOCK + 4) * 8 * Math.ceil(columns / 8) * Math.ceil(vectors / BLOCK),
};

/** Weights from which on a model is large. */
const LARGE = 1 << 24;

export const isLarge = (weights: readonly Shape[]): boolean => elementsOf(weights) >= LARGE;

export const arithmeticFor = (weights: readonly Shape[]): Arithmetic => (isLarge(weights) ? BLOCK_FLOAT : FLOAT);

export const kernelsOf = ({choice: {codec, parameters}}: Arithmetic): Kernels => codecs.get(codec)!.kernels(parameters);

/** The parts of a weight. */
export const encodeIn = ({choice: {codec, parameters}}: Arithmetic, weight: Weight): readonly Uint8Array[] => codecs.get(codec)!.encode(weight, parameters);
