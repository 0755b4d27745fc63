/** What `op.lower` sees: operands, and a way to emit kernel calls. Knows neither targets nor addresses. */
import type {Bounds, Dim} from '../graph/dim.js';
import type {DType} from '../graph/dtype.js';
import type {Attributes, Node} from '../graph/graph.js';
import type {Tensor} from '../graph/tensor.js';

/** A place in a buffer with the type of what lies there, row-major. */
export type Operand = {
	readonly buffer: string;
	/** In bytes from the buffer's start. */
	readonly offset: Dim;
	readonly dtype: DType;
	readonly shape: readonly Dim[];
	/** Elements from one row (of the last axis) to the next, where rows are not contiguous; only for inputs in the op's `strided`. */
	readonly rowStride?: Dim;
	/** Bytes from the slice of one thread to that of the next, where each thread has its own. */
	readonly threadStride?: Dim;
};

/** A state held as [heads, positions, width] in its storage type; int8 has scales [heads, positions]. */
export type StateOperand = {
	readonly storage: 'float32' | 'float16' | 'int8';
	readonly data: Operand;
	readonly scales?: Operand;
	readonly heads: number;
	readonly positions: number;
	readonly width: number;
};

/** An operand becomes an address, a number an i32 or f32 (after the C parameter), a list an address of i32s in the argument block. */
export type CallArgument = Operand | Dim | readonly Dim[];

export type LowerContext = {
	readonly node: Node;
	readonly attributes: Attributes;
	readonly bounds: Bounds;
	readonly inputCount: number;
	readonly outputCount: number;
	has(index: number): boolean;
	/** Whether anybody reads output `index`. */
	wants(index: number): boolean;
	input(index: number): Operand;
	output(index: number): Operand;
	/** Known elements, as in `InferContext`. */
	value(index: number): readonly Dim[] | undefined;
	constant(index: number): Tensor | undefined;
	/** Working memory for this node only. */
	scratch(bytes: Dim): Operand;
	/** The same of which every thread has `bytes` of its own. */
	threadScratch(bytes: Dim): Operand;
	/** Output `output` is input `input` under another shape: no call, no bytes. `offset` is in bytes. */
	alias(output: number, input: number, offset?: Dim): void;
	/**
	 * Output `output` is a range of columns of input 0, starting at `column`, left where it is; answers false (and does nothing) when a
	 * consumer needs contiguous rows.
	 */
	aliasColumns(output: number, column: Dim): boolean;
	/** The resident state behind input `index`, when it is one. */
	state(index: number): StateOperand | undefined;
	/** Emits a call of the C function `kernel`; every C parameter must be named. */
	call(kernel: string, parameters: Readonly<Record<string, CallArgument>>): void;
	/**
	 * y = x Wᵀ + bias for the encoded weight that is input `index`, a matrix of [rows, columns].
	 * x: `tokens` × columns f32, y: `tokens` × rows f32, both contiguous; bias: rows f32, where it is given.
	 */
	multiply(index: number, y: Operand, x: Operand, tokens: Dim, bias?: Operand): void;
	/** y[i] = W[ids[i]] for the encoded weight that is input `index`; ids are int64 or int32, y is `count` × columns f32. */
	gatherRows(index: number, y: Operand, ids: Operand, count: Dim): void;
	fail(problem: string, sides?: {expected?: string; found?: string; hint?: string}): never;
};
