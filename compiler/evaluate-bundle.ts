/**
 * Evaluates a bundle, or a model that is compiled without loss for the purpose, on a text: perplexity, and how far the predictions
 * are from a reference's. The arithmetic is in `evaluate.ts`; this file opens models and makes logits.
 */
import {readFile} from 'node:fs/promises';
import type {Model} from 'snug/runtime';
import {readManifest} from './bundle/read.js';
import type {Manifest} from './bundle/format.js';
import {SnugError} from './error.js';
import {createScorer, windowStarts, type Score} from './evaluate.js';
import {createScope, decodedBundle, denseBundle, openModel, type Scope} from './evaluate-scope.js';
import {kindOf} from './source.js';

/** How logits are made: token after token, whole windows at once, or whole windows with the decoded weights on the f32 kernels. */
export const paths = ['decode', 'prefill', 'reference'] as const;

export type EvaluateOptions = {
	readonly text: string;
	readonly context?: number | undefined;
	readonly windows: number;
	readonly budget?: number | undefined;
	readonly threads?: number | undefined;
	readonly path: (typeof paths)[number];
	/** An ONNX model to compare with. */
	readonly against?: string | undefined;
	readonly signal?: AbortSignal;
	onProgress?(stage: string, done: number, total: number): void;
};

export type EvaluateResult = Score & {readonly bytes: number};

/** Windows are no longer than this unless asked, so that figures of models with different contexts compare. */
const defaultContext = 512;

/** Line ends are read as \n, as Python reads text: figures of other tools are made so. */
async function readText(file: string): Promise<string> {
	try {
		return (await readFile(file, 'utf8')).replace(/\r\n?/g, '\n');
	} catch (error) {
		throw new SnugError(
			'no-text',
			{subject: `text '${file}'`, problem: 'it cannot be read', found: (error as Error).message, hint: 'name a text file with --text'},
			{cause: error},
		);
	}
}

type Opened = {readonly model: Model; readonly manifest: Manifest; readonly generation: NonNullable<Manifest['generation']>; readonly tokens: string};

/** @param source A bundle's folder, or an ONNX file. */
export async function evaluate(source: string, options: EvaluateOptions): Promise<EvaluateResult> {
	await using scope = createScope();
	const text = await readText(options.text);
	const bundle = kindOf(source) === 'bundle' ? source : await denseBundle(source, scope, options);
	const subject = await open(options.path === 'reference' ? await decodedBundle(bundle, scope) : bundle, scope, options);
	// The reference is not held to the budget: it is the model without loss.
	const reference =
		options.against === undefined ? undefined : await open(await denseBundle(options.against, scope, options), scope, {...options, budget: undefined});
	const ids = withoutStart(await subject.model.tokenize(text), subject.generation.bos);
	const context = chooseContext(subject, options.context);
	const starts = windowStarts(ids.length, context, options.windows);
	const scorer = createScorer();
	for (const [index, start] of starts.entries()) {
		options.onProgress?.('evaluate', index, starts.length);
		const window = ids.slice(start, start + context);
		const expected = reference && logitsOf(reference, window, 'prefill', options.signal);
		let position = 0;
		for await (const row of logitsOf(subject, window, options.path, options.signal)) {
			const next = await expected?.next();
			scorer.add(row, window[++position]!, next?.done === false ? next.value : undefined);
		}
	}

	options.onProgress?.('evaluate', starts.length, starts.length);
	// The reference of a bundle holds its weights in f32; what is reported is what the bundle itself holds.
	const bytes = options.path === 'reference' ? readManifest(bundle).levels.at(-1)!.bytes : subject.model.info.memory;
	return {...scorer.score(), bytes};
}

/** Windows lie anywhere in the text, so none of them begins with the token that a tokenizer puts before a prompt. */
const withoutStart = (ids: readonly number[], bos: number | undefined): readonly number[] => (bos !== undefined && ids[0] === bos ? ids.slice(1) : ids);

function chooseContext({manifest, generation}: Opened, asked: number | undefined): number {
	const most = Math.min(manifest.positions || Infinity, generation.context ?? Infinity);
	const context = asked ?? Math.min(most, defaultContext);
	if (context > most || context < 2) {
		throw new SnugError('context-too-long', {
			subject: '--context',
			problem: `does not fit the bundle '${manifest.name}'`,
			expected: `2 to ${most} tokens`,
			found: String(context),
			hint: 'give a smaller --context, or compile with a larger --max-sequence',
		});
	}

	return context;
}

/** One row of logits for every token of the window but the last. */
async function* logitsOf(
	{model, generation, tokens}: Opened,
	window: readonly number[],
	kind: EvaluateOptions['path'],
	signal: AbortSignal | undefined,
): AsyncGenerator<Float32Array, undefined> {
	const run = async (ids: readonly number[], logits: 'all' | 'last', proceed: boolean): Promise<Float32Array> => {
		const feeds = {[tokens]: {type: 'int64', data: BigInt64Array.from(ids, BigInt), dims: [1, ids.length]}} as const;
		const {[generation.logits]: output} = await model.run(feeds, {logits, continue: proceed, ...(signal && {signal})});
		if (!(output?.data instanceof Float32Array)) {
			throw new SnugError('logits-type', {
				subject: `output '${generation.logits}'`,
				problem: 'cannot be evaluated',
				expected: 'float32',
				found: output?.type ?? 'nothing',
			});
		}

		return output.data;
	};

	const inputs = window.slice(0, -1);
	if (kind === 'decode') {
		for (const [position, id] of inputs.entries()) {
			yield await run([id], 'last', position > 0);
		}

		return;
	}

	const all = await run(inputs, 'all', false);
	const width = all.length / inputs.length;
	for (let position = 0; position < inputs.length; position++) {
		yield all.subarray(position * width, (position + 1) * width);
	}
}

async function open(directory: string, scope: Scope, options: EvaluateOptions): Promise<Opened> {
	const manifest = readManifest(directory);
	const {generation} = manifest;
	const tokens = manifest.inputs.find(({fill}) => fill === 'tokens')?.name;
	if (!generation || !manifest.text || tokens === undefined) {
		throw new SnugError('no-language-model', {
			subject: `bundle '${manifest.name}'`,
			problem: 'has no text to evaluate',
			expected: 'a language model with a tokenizer.json beside its ONNX file',
			found: generation ? 'no tokenizer' : 'no logits over tokens',
		});
	}

	if (options.path === 'decode' && manifest.states.length === 0) {
		throw new SnugError('no-decode-path', {
			subject: '--path decode',
			problem: `needs a model with a key-value cache, which '${manifest.name}' has not`,
			hint: 'use --path prefill',
		});
	}

	return {model: await openModel(directory, scope, options), manifest, generation, tokens};
}
