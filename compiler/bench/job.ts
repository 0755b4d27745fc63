/** What a benchmark asks of whoever measures: plain values, so that it reaches a page as JSON. Made from a bundle's manifest. */
import type {DimEntry, Manifest} from '../bundle/format.js';
import {SnugError} from '../error.js';

/** An input with its size settled; `rows` of the table that integers point into. */
export type JobInput = {readonly name: string; readonly dtype: string; readonly dims: readonly number[]; readonly rows?: number};

type JobOptions = {
	readonly threads?: number;
	readonly simd?: 'auto' | 'relaxed' | 'plain';
	readonly budget?: number;
};

export type Job = {
	readonly load: JobOptions;
	/** Warm measurements after the first. */
	readonly repeats: number;
} & (
	| {readonly kind: 'generate'; readonly vocabulary: number; readonly promptTokens: number; readonly decodeTokens: number}
	| {readonly kind: 'run'; readonly inputs: readonly JobInput[]}
);

export type JobRequest = JobOptions & {
	readonly promptTokens: number;
	readonly decodeTokens: number;
	readonly repeats: number;
	readonly dims: Readonly<Record<string, number>>;
};

/** Positions that a sequence has unless the user says otherwise. */
const usualSequence = 128;

export function jobOf(manifest: Manifest, {promptTokens, decodeTokens, repeats, dims, ...load}: JobRequest): Job {
	const {generation, symbols} = manifest;
	if (generation === undefined) {
		return {kind: 'run', load, repeats, inputs: inputsOf(manifest, dims)};
	}

	const [unwanted] = Object.keys(dims);
	if (unwanted !== undefined) {
		throw new SnugError('misplaced-dim', {
			subject: `--dim ${unwanted}`,
			problem: 'goes with models that do not generate',
			hint: 'a language model takes --prompt-tokens and --decode-tokens',
		});
	}

	const limit = manifest.positions > 0 ? manifest.positions : (symbols['sequence']?.max ?? Infinity);
	if (promptTokens + decodeTokens > limit) {
		throw new SnugError('too-many-tokens', {
			subject: 'bench',
			problem: 'prompt and continuation do not fit the model',
			expected: `at most ${limit} tokens in all`,
			found: `${promptTokens} + ${decodeTokens}`,
			hint: 'ask for fewer, or compile with a larger --max-sequence',
		});
	}

	return {kind: 'generate', load, repeats, vocabulary: generation.vocabulary, promptTokens, decodeTokens};
}

function inputsOf({inputs, symbols, name}: Manifest, dims: Readonly<Record<string, number>>): JobInput[] {
	const unknown = Object.keys(dims).find(symbol => !(symbol in symbols));
	if (unknown !== undefined) {
		throw new SnugError('unknown-symbol', {
			subject: `--dim ${unknown}`,
			problem: `model '${name}' has no such dimension`,
			expected: Object.keys(symbols).join(', ') || 'none',
		});
	}

	const bindings = Object.fromEntries(
		Object.entries(symbols).map(([symbol, {min, max}]) => {
			const size = dims[symbol] ?? (symbol === 'batch' ? min : Math.min(max, Math.max(min, usualSequence)));
			if (size < min || size > max) {
				throw new SnugError('dim-out-of-range', {
					subject: `--dim ${symbol}`,
					problem: 'the bundle was not compiled for it',
					expected: `${min} to ${max}`,
					found: String(size),
				});
			}

			return [symbol, size];
		}),
	);
	return inputs
		.filter(({address}) => address >= 0)
		.map(({name: input, dtype, shape, rows}) => ({name: input, dtype, dims: shape.map(dim => sizeOf(dim, bindings)), ...(rows !== undefined && {rows})}));
}

const sizeOf = (dim: DimEntry, bindings: Readonly<Record<string, number>>): number =>
	typeof dim === 'number'
		? dim
		: Object.entries(dim).reduce((sum, [symbol, coefficient]) => sum + coefficient * (symbol === '' ? 1 : (bindings[symbol] ?? NaN)), 0);
