/**
 * The graph: what import makes, what passes rewrite, what lowering reads. Immutable; passes build new ones.
 */
import type {Dim} from './dim.js';
import type {DType} from './dtype.js';
import type {Constant} from './tensor.js';

export type ValueType = {
	readonly dtype: DType;
	readonly shape: readonly Dim[];
};

export type Attribute = number | string | readonly number[] | readonly string[] | Constant | Graph;

export type Attributes = Readonly<Record<string, Attribute>>;

export type Node = {
	/** `Softmax` for ai.onnx, `com.microsoft.MatMulNBits` for other domains, `snug.Attention` for our own. */
	readonly op: string;
	/** Unique in the graph; as in the model file where it had a name. */
	readonly name: string;
	/** Value names; '' for an optional input that is absent. */
	readonly inputs: readonly string[];
	/** Value names; '' for an output that nobody asked for. */
	readonly outputs: readonly string[];
	readonly attributes: Attributes;
};

/** A pair of an input and an output that carry state from one run to the next (a key-value cache, a convolution's past). */
export type State = {
	readonly input: string;
	readonly output: string;
	/** The axis that grows with each run, or undefined when the state keeps its shape. */
	readonly axis?: number;
};

/** A named symbol of the shapes with the values that it may take. */
export type SymbolBounds = {readonly min: number; readonly max: number};

export type Graph = {
	readonly name: string;
	/** Every symbol that occurs in a shape. */
	readonly symbols: Readonly<Record<string, SymbolBounds>>;
	/** Bounds of sums of symbols, by their text (`past + sequence` is at most the positions of the state). */
	readonly limits?: Readonly<Record<string, SymbolBounds>>;
	readonly inputs: readonly string[];
	readonly outputs: readonly string[];
	/** In an order in which every value is made before it is used. */
	readonly nodes: readonly Node[];
	/** The type of every value: inputs, constants, and what nodes make. */
	readonly types: ReadonlyMap<string, ValueType>;
	readonly constants: ReadonlyMap<string, Constant>;
	/** Integer tensors (row-major elements) known at compile time as expressions over the symbols; no node makes them. */
	readonly values: ReadonlyMap<string, readonly Dim[]>;
	readonly states: readonly State[];
	/** Of inputs that name rows of a table which several look-ups share: how many rows there are. */
	readonly tables?: Readonly<Record<string, number>>;
};

/** What is known of the sizes of symbols and of their sums, for `dim.range` and its like. */
export const boundsOf = ({symbols, limits}: Pick<Graph, 'symbols' | 'limits'>): Readonly<Record<string, SymbolBounds>> => ({...symbols, ...limits});

/** The rows of the tables that an input's ids are looked up in: those of the smallest, undefined where there is none. */
export function tableRows({nodes, constants, tables}: Graph, input: string): number | undefined {
	const lookups = nodes.filter(({op, inputs}) => op === 'snug.Embedding' && inputs[0] === input).map(({inputs}) => constants.get(inputs[1]!)!.dims[0]!);
	const whole = tables?.[input];
	const rows = whole === undefined ? lookups : [...lookups, whole];
	return rows.length > 0 ? Math.min(...rows) : undefined;
}

export const describeNode = (node: Pick<Node, 'op' | 'name'>): string => `${node.op} '${node.name}'`;
