/**
 * The public types of `snug/runtime`. Imports nothing, so that the declarations of the package are this file.
 */

export type DataType =
	'float32' | 'float64' | 'float16' | 'bfloat16' | 'int8' | 'uint8' | 'int16' | 'uint16' | 'int32' | 'uint32' | 'int64' | 'uint64' | 'bool';

export type TensorData =
	Float32Array | Float64Array | Uint16Array | Int8Array | Uint8Array | Int16Array | Int32Array | Uint32Array | BigInt64Array | BigUint64Array;

/** Row-major; float16 and bfloat16 are bit patterns in a Uint16Array, bool is 0 and 1 in a Uint8Array. */
export type Tensor = {readonly type: DataType; readonly data: TensorData; readonly dims: readonly number[]};

/** What `run` takes: a tensor, or one whose elements are plain numbers. */
export type Feed = {
	readonly type: DataType;
	readonly data: TensorData | readonly number[] | readonly bigint[] | readonly boolean[];
	readonly dims: readonly number[];
};

/** A message of a chat; a template may read further fields. */
export type Message = {readonly role: string; readonly content: string; readonly [field: string]: unknown};

export type Progress = {
	/** Bytes that have arrived. */
	readonly loaded: number;
	/** Bytes that this level fetches. */
	readonly total: number;
	readonly level: number;
};

export type Simd = 'relaxed' | 'plain';

export type LoadOptions = {
	/** Bytes that the model may hold: a number, '60MB', '60MiB', or 'auto' for the bundle's largest level. */
	readonly budget?: number | string;
	readonly simd?: 'auto' | Simd;
	/**
	 * Threads that compute, this model's worker included: 'auto' takes the cores of the device, at most as many as the model was compiled
	 * for. Without cross-origin isolation there is one. The results are the same for every number.
	 */
	readonly threads?: 'auto' | number;
	readonly signal?: AbortSignal;
	onProgress?(progress: Progress): void;
	/** Fetches the bundle's files, on the caller's thread. */
	readonly fetch?: typeof globalThis.fetch;
};

export type RunOptions = {
	/** Starts from the state of the last call instead of an empty one. */
	readonly continue?: boolean;
	/** Which rows of the logits to compute; all unless asked. */
	readonly logits?: 'last' | 'all';
	/** Outputs to return, state included; all outputs but the state unless asked (and the state when past inputs are given). */
	readonly outputs?: readonly string[];
	readonly signal?: AbortSignal;
};

export type SamplingOptions = {
	/** 0 takes the likeliest token. Defaults to the model's own, else 0. */
	readonly temperature?: number;
	/** Keeps the likeliest K tokens; 0 keeps all. */
	readonly topK?: number;
	/** Keeps the likeliest tokens whose probabilities sum to P. */
	readonly topP?: number;
	/** Keeps tokens whose probability is at least P of the likeliest one's. */
	readonly minP?: number;
	/** Above 1 makes tokens that occurred less likely. */
	readonly repetitionPenalty?: number;
	/** Equal seeds give equal texts. */
	readonly seed?: number;
};

export type GenerateTokensOptions = SamplingOptions & {
	/** 256 unless given. */
	readonly maxTokens?: number;
	/** Tokens that end the text, in place of the model's own. They are not handed out. */
	readonly stopTokens?: readonly number[];
	readonly signal?: AbortSignal;
};

export type GenerateOptions = GenerateTokensOptions & {
	/** Texts that end the generation. They are not handed out. */
	readonly stop?: string | readonly string[];
};

export type FinishReason = 'stop' | 'length' | 'abort';

/** An input or an output: dimensions are numbers or expressions over symbols, such as 'past + sequence'. */
export type PortInfo = {readonly name: string; readonly type: string; readonly dims: ReadonlyArray<number | string>};

export type Info = {
	readonly target: 'wasm';
	/** Threads that compute. */
	readonly threads: number;
	readonly simd: Simd;
	readonly level: number;
	readonly levels: number;
	/** Bytes of the WebAssembly memory and the program. */
	readonly memory: number;
	/** Bytes that the model may hold. */
	readonly budget: number;
	readonly inputs: readonly PortInfo[];
	readonly outputs: readonly PortInfo[];
	readonly bytesLoaded: number;
};

/** Token counts of the last generation. */
export type Usage = {
	readonly promptTokens: number;
	/** Tokens of the prompt that were in the cache already. */
	readonly cachedTokens: number;
	readonly tokens: number;
};

export type Model = {
	readonly info: Info;
	/** Starts from an empty state unless `continue` or past inputs are given. */
	run(feeds: Readonly<Record<string, Feed>>, options?: RunOptions): Promise<Record<string, Tensor>>;
	/** Continues a text or answers a chat. Begins when the iteration does. */
	generate(prompt: string | readonly Message[], options?: GenerateOptions): AsyncIterable<string>;
	generateTokens(ids: readonly number[], options?: GenerateTokensOptions): AsyncIterable<number>;
	/** The tokens of a text, or of a chat through the model's template. */
	tokenize(text: string | readonly Message[]): Promise<number[]>;
	detokenize(ids: readonly number[]): Promise<string>;
	/** Forgets the conversation. */
	reset(): void;
	/** Why the last generation ended; null before and during one. */
	readonly finishReason: FinishReason | null;
	readonly usage: Usage | null;
	/** Ends the worker and gives its memory back. */
	release(): void;
};
