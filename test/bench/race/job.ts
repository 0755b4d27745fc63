/** What a page of the race is asked and what it answers; plain values. Times are milliseconds. */

/** The same prompt as tokens and as text: not every runtime takes tokens. */
export type Prompt = {readonly ids: readonly number[]; readonly text: string};

export type Engine =
	| {readonly kind: 'snug'; readonly folder: string; readonly simd: 'plain' | 'relaxed'}
	| {
			readonly kind: 'onnxruntime-web';
			readonly script: string;
			readonly model: string;
			readonly data: string;
			readonly cache: {layers: number; heads: number; width: number};
	  }
	| {readonly kind: 'wllama'; readonly script: string; readonly wasm: string; readonly model: string; readonly positions: number};

export type RaceJob = {
	readonly engine: Engine;
	readonly threads: number;
	/** The first belongs to the cold load; what the others take is measured warm. */
	readonly prompts: readonly Prompt[];
	readonly decodeTokens: number;
};

/** Times of one answer: from the call to the first token, and from each token to the next. */
export type AnswerTimes = {readonly first: number; readonly steps: readonly number[]; readonly promptTokens: number};

export type RaceResult = {
	readonly threads: number;
	readonly load: number;
	/** From the call that loads to the first token behind the first prompt. */
	readonly firstToken: number;
	readonly answers: readonly AnswerTimes[];
};
