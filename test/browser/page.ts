/** What runs in the page under test, beside the bundle's own `snug.js`: the calls that a test makes, answered in plain values. */
import type {Info, LoadOptions, Model, load} from '../../runtime-wasm/loader/index.js';

export type Speech = {
	readonly info: Info;
	/** What `generate` gave, joined, and the pieces that it came in. */
	readonly text: string;
	readonly pieces: number;
	/** What `generateTokens` gave. */
	readonly tokens: readonly number[];
};

export type Place = {readonly isolated: boolean; readonly secure: boolean; readonly webCrypto: boolean};

/** An error as the page's code sees it. */
export type Refusal = {readonly name: string; readonly code: string | null; readonly message: string};

type Options = Pick<LoadOptions, 'simd' | 'threads' | 'budget'> & {
	/** The bundle's folder, whose loader is used; the page's own unless given. */
	readonly from?: string;
};

export type Calls = {
	where(): Promise<Place>;
	/** Loads a bundle and keeps it. */
	open(options: Options): Promise<Info>;
	/** 32 tokens of text, then as many tokens as asked for. */
	speak(options: {readonly prompt: string; readonly tokens: number}): Promise<Speech>;
	/** Runs the tokens in steps of these lengths on one state; gives the logits behind each step. */
	score(options: {readonly tokens: readonly number[]; readonly steps: readonly number[]}): Promise<number[][]>;
	release(): Promise<void>;
	/** Loads, and gives the error that this ends with; null where it loads after all. */
	attempt(options: Options & {readonly abortAtFirstByte?: boolean}): Promise<Refusal | null>;
};

let model: Model | undefined;

async function loadFrom({from = './', ...options}: Options & LoadOptions): Promise<Model> {
	const loader = (await import(`${from}snug.js`)) as {load: typeof load};
	return loader.load(from, options);
}

const calls: Calls = {
	where: async () => ({
		isolated: crossOriginIsolated,
		secure: isSecureContext,
		webCrypto: (crypto as {readonly subtle?: SubtleCrypto}).subtle !== undefined,
	}),
	async open(options) {
		model = await loadFrom(options);
		return model.info;
	},
	async speak({prompt, tokens}) {
		const pieces: string[] = [];
		for await (const piece of model!.generate(prompt, {maxTokens: 32})) {
			pieces.push(piece);
		}

		const ids: number[] = [];
		for await (const id of model!.generateTokens(await model!.tokenize(prompt), {maxTokens: tokens})) {
			ids.push(id);
		}

		return {info: model!.info, text: pieces.join(''), pieces: pieces.length, tokens: ids};
	},
	async score({tokens, steps}) {
		const rows: number[][] = [];
		let at = 0;
		for (const length of steps) {
			const ids = {type: 'int64', data: tokens.slice(at, at + length).map(BigInt), dims: [1, length]} as const;
			const {logits} = await model!.run({input_ids: ids}, {continue: at > 0, logits: 'last'});
			rows.push(Array.from(logits!.data as Float32Array));
			at += length;
		}

		return rows;
	},
	async release() {
		model!.release();
		model = undefined;
	},
	async attempt({abortAtFirstByte = false, ...options}) {
		const controller = new AbortController();
		const onProgress = (): void => {
			if (abortAtFirstByte) {
				controller.abort();
			}
		};

		try {
			(await loadFrom({...options, signal: controller.signal, onProgress})).release();
			return null;
		} catch (error) {
			const {name, code, message} = error as Error & {readonly code?: string | number};
			return {name, code: typeof code === 'string' ? code : null, message};
		}
	},
};

Object.assign(globalThis, {calls});
