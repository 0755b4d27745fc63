/**
 * The narrow waist between the compiler and its targets: a flat list of kernel calls. Targets see nothing else.
 */
import type {Parameters, Part} from '../codecs/codec.js';
import type {Dim} from '../graph/dim.js';
import type {DType} from '../graph/dtype.js';
import type {SymbolBounds} from '../graph/graph.js';
import type {Constant} from '../graph/tensor.js';

/** The value of one C parameter, by kind. */
export type Argument =
	/** The address of a planned buffer, plus an offset in bytes, plus for each thread its number times `threadStride`. */
	| {readonly kind: 'buffer'; readonly buffer: string; readonly offset: Dim; readonly threadStride?: Dim}
	/** An i32 or f32, after the parameter's type. */
	| {readonly kind: 'number'; readonly value: Dim}
	/** The numbers are written to the call's argument block as i32; the parameter receives its address. */
	| {readonly kind: 'numbers'; readonly values: readonly Dim[]}
	/** The address, in the descriptor table, of the addresses of a term's parts. */
	| {readonly kind: 'parts'; readonly weight: string; readonly term: number};

export type KernelCall = {
	/** The C function. Its parameters' names are the keys of `arguments`; `const` pointers are read, others written. */
	readonly kernel: string;
	readonly arguments: Readonly<Record<string, Argument>>;
	/** The node that the call came from, for messages. */
	readonly node: string;
};

/** Bytes of linear memory, addressed by name. */
export type Buffer = {
	readonly name: string;
	readonly bytes: Dim;
	/**
	 * `constant`, `input`, `output` and `state` live as long as the model; `shared` values are made by one entry and read by another;
	 * an `activation` lives from its first call to its last.
	 */
	readonly role: 'constant' | 'input' | 'output' | 'state' | 'shared' | 'activation';
};

/** A function of the emitted module: calls under given bounds of the symbols. */
export type Entry = {
	readonly name: string;
	/** The i32 parameters, in order. */
	readonly symbols: readonly string[];
	readonly calls: readonly KernelCall[];
	/** The activations. */
	readonly buffers: ReadonlyMap<string, Buffer>;
};

/** How one term of a weight is held: kernels read the parts' addresses from the descriptor table. */
export type Term = {
	readonly codec: string;
	readonly parameters: Parameters;
	readonly parts: readonly Part[];
};

/** A row of the descriptor table: y = Σ terms. */
export type WeightRow = {
	readonly name: string;
	readonly rows: number;
	readonly columns: number;
	readonly terms: readonly Term[];
};

export type Port = {
	readonly name: string;
	readonly dtype: DType;
	readonly shape: readonly Dim[];
	/** Undefined for an input that nothing reads. */
	readonly buffer?: string;
	/** For ids of a table: its rows. */
	readonly rows?: number;
};

/** A resident state [heads, positions, width] behind an input and an output of the graph. */
export type StateBuffer = {
	readonly input: string;
	readonly output: string;
	readonly axis: number;
	readonly storage: 'float32' | 'float16' | 'int8';
	readonly heads: number;
	readonly positions: number;
	readonly width: number;
	readonly buffer: string;
	readonly scales?: string;
};

export type Program = {
	/** Threads that may run an entry together, at most. */
	readonly threads: number;
	readonly entries: readonly Entry[];
	/** Buffers of all roles but `activation`, which entries own. */
	readonly buffers: ReadonlyMap<string, Buffer>;
	readonly constants: ReadonlyMap<string, Constant>;
	readonly weights: readonly WeightRow[];
	readonly inputs: readonly Port[];
	readonly outputs: readonly Port[];
	readonly states: readonly StateBuffer[];
	/** The output that `head` makes a row at a time. */
	readonly sliced?: string;
	readonly symbols: Readonly<Record<string, SymbolBounds>>;
	/** Bounds of symbols, of their sums, and of `row`, for the sizes of buffers. */
	readonly bounds: Readonly<Record<string, SymbolBounds>>;
};
