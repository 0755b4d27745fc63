/**
 * What a codec is: exact bytes, their meaning, and the kernels that use them. One file a method; `index.ts` lists them.
 *
 * A weight is a matrix of `rows` outputs by `columns` inputs; y = W x. An embedding table is the same matrix, read by rows.
 */

import {add, multiply, type Dim} from '../graph/dim.js';
import type {QuantizedSource} from '../graph/tensor.js';

/** Plain numbers and strings: they go into the manifest as they are. */
export type Parameters = Readonly<Record<string, number | string>>;

export type Shape = {readonly rows: number; readonly columns: number};

/**
 * Of column feedback (GPTQ): U, upper triangular [columns, columns], with H⁻¹ = Uᵀ U for the Gram matrix H of the weight's inputs, its
 * columns in the order of the weight or in another.
 */
export type Feedback = {
	/** The mean square of each input. */
	readonly energy: Float32Array;
	/** The Gram matrix whose inverse the factors make [columns, columns]. */
	readonly gram: Float32Array;
	/** How often every column is rounded anew beside all others, once feedback has found codes. */
	readonly sweeps: number;
	readonly inOrder: Float32Array;
	/** Columns with the largest inputs first: those that cost most are rounded while there are many to make up for them. */
	readonly byEnergy: {readonly order: Uint32Array; readonly factor: Float32Array; readonly gram: Float32Array};
};

/** A weight that can be read a few rows at a time, so that the whole never stands in memory in f32. */
export type Weight = Shape & {
	readonly name: string;
	/** Rows `first` to `first + count`, row-major, f32. */
	read(first: number, count: number): Float32Array;
	/**
	 * What lets later columns make up for the errors of earlier ones. Without it every column is rounded by itself.
	 */
	readonly feedback?: Feedback;
	/** The integer codes of a weight that the model file holds quantised. */
	readonly quantized?: QuantizedSource;
};

/** One array of a code. Sizes in the whole project come from here. */
export type Part = {
	readonly name: string;
	readonly bytes: number;
};

/** The shape in which a kernel takes its input vectors; made once and shared by all weights that read the same vectors. */
export type InputForm = {
	/** Equal ids are interchangeable. `f32` is the vector itself. */
	readonly id: string;
	/** The kernel that makes it: `(out, x, tokens, columns)`. Absent for `f32`. */
	readonly kernel?: string;
	/** Bytes for one vector of `columns` f32. */
	bytes(columns: number): number;
	/** Vectors that lie side by side (1): there is room for a multiple of them. */
	readonly together?: number;
};

/** Bytes that hold the form of `vectors` vectors: room for all that lie beside the last one. */
export const formBytes = (form: InputForm, vectors: Dim, columns: number): Dim => multiply(add(vectors, (form.together ?? 1) - 1), form.bytes(columns));

/** Vectors as they are. */
export const floatForm: InputForm = {id: 'f32', bytes: columns => 4 * columns};

/** A product's kernel: picoseconds for a weight and an input vector, `npm run bench -- kernels`, relaxed SIMD. Only ratios between codes count. */
export type Timed = {readonly time: number};

/** A kernel with the constants that it needs beyond `rows` and `columns`. */
export type KernelUse = {
	readonly kernel: string;
	readonly numbers: Readonly<Record<string, number>>;
};

/**
 * The kernels of a code. Their C prototypes:
 *   matvec: (f32 *y, const T *x, const u32 *parts, [f32 *scratch,] i32 rows, i32 columns, …numbers)   x in `form`
 *   tile:   (f32 *y, const T *x, const u32 *parts, const f32 *bias, T *scratch, i32 tokens, i32 rows, i32 columns, …numbers)   x in `tile.form`
 *   row:    (f32 *y, const i64 *ids, const u32 *parts, i32 count, i32 rows, i32 columns, …numbers)
 * `parts` points to the addresses of the parts in the order of `layout`, `bias` to `rows` numbers that are added to every vector, or is 0.
 */
export type Kernels = {
	readonly form: InputForm;
	readonly matvec: KernelUse &
		Timed & {
			/** Scratch bytes, where the kernel takes any. */
			scratch?(shape: Shape): number;
		};
	readonly tile: KernelUse &
		Timed & {
			readonly form: InputForm;
			/** Scratch bytes of the tile kernel, whatever the number of tokens. */
			scratch(shape: Shape): number;
		};
	readonly row: KernelUse;
};

export type Codec<P extends Parameters = Parameters> = {
	readonly id: string;
	/**
	 * Offered to the allocator only where the codec is named, or, unless 'always', where losses are measured, so that time can be weighed
	 * against them: its kernels are much slower than another codec's of as many bits.
	 */
	readonly byName?: 'always' | 'unless timed';
	/** Rows on which its error is estimated, where the usual few would not do. */
	readonly sampleRows?: number;
	/** Of parameters whose error needs no measuring: those whose errors it is the geometric mean of. Undefined for those that are measured. */
	errorBetween?(parameters: P): readonly [P, P] | undefined;
	/** Parameters worth offering the allocator, fewest bytes first; none where the shape does not fit the code. */
	options(shape: Shape): readonly P[];
	/** The exact parts, in the order in which kernels see them. */
	layout(shape: Shape, parameters: P): readonly Part[];
	/** The bytes of the parts. Deterministic: the same weight gives the same bytes. */
	encode(weight: Weight, parameters: P): readonly Uint8Array[];
	/** The meaning of the bytes: rows `first` to `first + count`, f32, row-major. */
	decode(parts: readonly Uint8Array[], shape: Shape, parameters: P, first: number, count: number): Float32Array;
	kernels(parameters: P): Kernels;
};

/** Elements of all of these. */
export const elementsOf = (shapes: readonly Shape[]): number => shapes.reduce((sum, {rows, columns}) => sum + rows * columns, 0);

export const bytesOfLayout = (parts: readonly Part[]): number => parts.reduce((sum, part) => sum + part.bytes, 0);
