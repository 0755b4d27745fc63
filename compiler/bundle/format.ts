/**
 * `manifest.json`: everything that a loader needs to know, and nothing that it must compute. Imports nothing; the compiler and the
 * loader share it. A loader refuses a `format` that it does not read and a feature that it does not know.
 */

export const FORMAT = 3;

/** The oldest that loaders read. Earlier ones were never published. */
export const OLDEST_FORMAT = 3;

/** Bytes of one page of WebAssembly memory. */
export const PAGE = 65_536;

/** Parts start at multiples of this, in chunks and in memory, so that WebGPU can bind them. */
export const ALIGNMENT = 256;

/** Bytes; threads that write to the same one hinder each other. */
export const CACHE_LINE = 64;

/** Where threads meet: four cache lines, which start with the generation, the arrived, the sleepers and whether a thread failed. */
export const BARRIER_BYTES = 4 * CACHE_LINE;

/** Numbers that `entries.sample` reads: temperature, top K, top P, min P, repetition penalty, and the draw. */
export const SAMPLING_OPTIONS = 6;

/** No chunk is larger. */
export const CHUNK_BYTES = 4 * 1024 * 1024;

/** A file of the bundle. `file` is relative to the manifest and carries the hash; `sha256` is in hex. */
export type FileEntry = {readonly file: string; readonly bytes: number; readonly sha256: string};

/** One array of a code; it may be spread over several chunks. */
export type PartEntry = {
	readonly name: string;
	readonly bytes: number;
	readonly pieces: ReadonlyArray<{readonly chunk: number; readonly offset: number; readonly bytes: number}>;
};

/** A dimension: a number, or a sum of symbols with coefficients ('' is the constant), such as {past: 1, sequence: 1}. */
export type DimEntry = number | Readonly<Record<string, number>>;

export type PortEntry = {
	readonly name: string;
	readonly dtype: string;
	readonly shape: readonly DimEntry[];
	/** Where the elements lie, row-major; −1 for an input that the program does not read. */
	readonly address: number;
	/** Bytes reserved there. */
	readonly bytes: number;
	/** What `generate` writes: the tokens, ones, or the positions. */
	readonly fill?: 'tokens' | 'ones' | 'positions';
	/** Indices into a table of this many rows: an id outside is refused before the program runs. */
	readonly rows?: number;
};

/** Resident state, behind a pair of an input and an output of the model. */
export type StateEntry = {
	readonly input: string;
	readonly output: string;
	/** The model's own type and shape of the input; of `axis` only as many positions as are used. */
	readonly dtype: string;
	readonly shape: readonly DimEntry[];
	readonly axis: number;
	/** Held as [heads, positions, width] in this type; int8 with a scale (f32) for each head and position. */
	readonly storage: 'float32' | 'float16' | 'int8';
	readonly heads: number;
	readonly positions: number;
	readonly width: number;
	readonly address: number;
	readonly bytes: number;
	/** Address of the scales [heads, positions] f32, for int8. */
	readonly scales?: number;
};

export type LevelEntry = {
	/** Bytes that the model holds at this level: memory and program. */
	readonly bytes: number;
	/** Bytes of the WebAssembly memory, a multiple of PAGE. */
	readonly memory: number;
	/** Chunks that a direct load fetches, in order. */
	readonly chunks: readonly number[];
	/** Address of each part in linear memory; −1 when the level does not hold it. */
	readonly placement: readonly number[];
	/** The words of the descriptor table at this level. */
	readonly table: readonly number[];
};

/**
 * An exported function of the program, which every thread calls; its parameters are the values of these symbols, the number of the
 * thread and that of threads, all i32.
 */
export type EntryPoint = {readonly symbols: readonly string[]};

export type Manifest = {
	readonly format: number;
	readonly features: readonly string[];
	readonly name: string;
	readonly generator: string;
	readonly programs: {readonly plain: FileEntry; readonly relaxed: FileEntry};
	readonly chunks: readonly FileEntry[];
	readonly parts: readonly PartEntry[];
	readonly table: {readonly address: number; readonly bytes: number};
	readonly levels: readonly LevelEntry[];
	/**
	 * `run` for a model without state. `prefill` (at most symbols.sequence.max tokens a call) and `decode` (one token) for a model with
	 * state; both take `past`. `head` computes the sliced output for one row of the last prefill or decode, and `sample` chooses a token
	 * from it, which it overwrites; `count` tokens are in the history.
	 */
	readonly entries: Readonly<Record<string, EntryPoint>>;
	readonly symbols: Readonly<Record<string, {readonly min: number; readonly max: number}>>;
	readonly inputs: readonly PortEntry[];
	readonly outputs: readonly PortEntry[];
	/** Threads that may run an entry together, at most, and the address of the words (256 bytes) at which they meet; one thread without. */
	readonly threads?: {readonly most: number; readonly barrier: number};
	/** The output that is made a row at a time by `entries.head`: its port's buffer holds one row (axis −2 is the row axis). */
	readonly sliced?: {readonly output: string};
	readonly states: readonly StateEntry[];
	/** Positions that the state can hold; 0 for a model without state. */
	readonly positions: number;
	/** The language model's side: which output holds the logits, how many tokens there are, which end the text. */
	readonly generation?: {
		readonly logits: string;
		readonly vocabulary: number;
		/**
		 * Addresses for `entries.sample`: of the token that it chooses (i32), of its options (f32: temperature, top K, top P, min P, repetition
		 * penalty, and a random number in [0, 1)), and of the tokens for the penalty, each once (i32, as many as there are positions).
		 */
		readonly sampling: {readonly token: number; readonly options: number; readonly history: number};
		readonly bos?: number;
		readonly eos: readonly number[];
		/** Positions that the model was trained for. */
		readonly context?: number;
		/** Sampling defaults of the model's `generation_config.json`; temperature 0 is greedy. */
		readonly defaults: Readonly<Record<string, number>>;
	};
	/** The tokenizer module of the bundle and the files that it reads. */
	readonly text?: {
		readonly module: FileEntry;
		readonly tokenizer: FileEntry;
		readonly config?: FileEntry;
		readonly template?: FileEntry;
	};
	/** Files that the loader does not read: the graph after the passes, the report. */
	readonly extra: Readonly<Record<string, FileEntry>>;
	readonly weights: readonly WeightEntry[];
	readonly report: Report;
};

export type WeightEntry = {
	readonly name: string;
	/** The names in the graph file that are this weight (a tied table has two). */
	readonly uses: readonly string[];
	readonly rows: number;
	readonly columns: number;
	readonly terms: ReadonlyArray<{
		readonly codec: string;
		readonly parameters: Readonly<Record<string, number | string>>;
		/** Indices of the term's parts, in the order of the codec's layout. */
		readonly parts: readonly number[];
	}>;
};

/** Where the bytes go; the rows sum to `total`, which is `levels[0].bytes`. */
export type Report = {
	readonly budget: number;
	readonly total: number;
	readonly bitsPerWeight: number;
	readonly weights: number;
	readonly state: number;
	readonly activations: number;
	readonly program: number;
	/** Constants that are no weights, the descriptor table, inputs and outputs. */
	readonly other: number;
	/** Up to the end of the last page. */
	readonly padding: number;
	/** Beside the budget: what the JavaScript side holds for text. */
	readonly tokenizer: number;
};
