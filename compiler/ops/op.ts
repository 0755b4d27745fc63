/**
 * What an op is: its shape rule, its meaning, and how it becomes kernel calls. One file an op or family; `index.ts` lists them.
 *
 * A *primitive* has `evaluate` and `lower`; a *composite* has `expand` and vanishes before lowering.
 */
import type {Bounds, Dim} from '../graph/dim.js';
import type {Attributes, Node, ValueType} from '../graph/graph.js';
import type {Constant, Tensor} from '../graph/tensor.js';
import type {LowerContext} from '../plan/lower-context.js';

/** An output's type, and its elements where they are known at compile time as integers or expressions (row-major; booleans as 0 and 1). */
export type Inferred = ValueType & {readonly value?: readonly Dim[]};

export type InferContext = {
	readonly node: Node;
	readonly attributes: Attributes;
	/** The symbols' bounds, for comparisons of dimensions. */
	readonly bounds: Bounds;
	/** How many inputs the node lists, absent ones included. */
	readonly inputCount: number;
	readonly outputCount: number;
	/** Whether input `index` is there. */
	has(index: number): boolean;
	/** The type of input `index`; an error that names the node when it is absent. */
	input(index: number): ValueType;
	/** The elements of input `index` where they are known as integers or expressions. Only for tensors of at most 65,536 elements. */
	value(index: number): readonly Dim[] | undefined;
	/** The data of input `index` where it is a constant of the model (any type). */
	constant(index: number): Tensor | undefined;
	/** Raises an error whose subject is this node. */
	fail(problem: string, sides?: {expected?: string; found?: string; hint?: string}): never;
};

export type EvaluateContext = {
	readonly node: Node;
	readonly attributes: Attributes;
	readonly inputs: ReadonlyArray<Tensor | undefined>;
	/** Input `index`; an error that names the node when it is absent. */
	input(index: number): Tensor;
	readonly outputCount: number;
	fail(problem: string, sides?: {expected?: string; found?: string; hint?: string}): never;
};

/** Builds the nodes that replace a composite or an old spelling. */
export type ExpandContext = InferContext & {
	readonly inputNames: readonly string[];
	readonly outputNames: readonly string[];
	/** Adds a constant and gives its value name. A `Constant` may read its data when they are needed. */
	addConstant(value: Constant | Tensor): string;
	/** Adds a node and gives its first output's name, or names as many outputs as `outputs` lists. */
	addNode(op: string, inputs: readonly string[], attributes?: Attributes, outputs?: readonly string[] | number): string[];
};

export type UpgradeContext = {
	readonly node: Node;
	/** The version of the node's domain that the model imports. */
	readonly opset: number;
	addConstant(tensor: Tensor): string;
	fail(problem: string, sides?: {expected?: string; found?: string; hint?: string}): never;
};

export type Op = {
	/** As in `Node.op`. */
	readonly name: string;
	/** Turns the spelling of an older opset into the newest one (axes as an input, a changed default). Called once, at import. */
	upgrade?(context: UpgradeContext): Node;
	/** The types of all outputs, in order; throws through `context.fail`. */
	infer(context: InferContext): readonly Inferred[];
	/** The op's meaning, in plain TypeScript. Kernels are judged against it. */
	evaluate?(context: EvaluateContext): Tensor[];
	/** For composites: adds the nodes that make the outputs. The last nodes must write `context.outputNames`. */
	expand?(context: ExpandContext): void;
	/** Inputs that the op can read when their rows (all axes but the last) lie `Operand.rowStride` elements apart. */
	readonly strided?: readonly number[];
	/** For primitives: emits kernel calls. */
	lower?(context: LowerContext): void;
};
