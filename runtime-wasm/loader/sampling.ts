/**
 * Chooses the next token from the logits. Order: repetition penalty (Keskar et al. 2019), temperature, top K, top P (Holtzman et al.
 * 2020), min P, then a draw. Temperature 0 takes the likeliest token, the first of equals.
 */
import {SnugError} from '../../compiler/error.js';
import {random} from './random.js';
import type {SamplingOptions} from './types.js';

export type Sampling = {
	readonly temperature: number;
	readonly topK: number;
	readonly topP: number;
	readonly minP: number;
	readonly repetitionPenalty: number;
	readonly seed: number;
};

/** `history` holds the tokens that the repetition penalty looks at. The logits may be changed. */
export type Sampler = (logits: Float32Array, history: readonly number[]) => number;

const ranges = {
	temperature: [0, Infinity],
	topK: [0, Infinity],
	topP: [0, 1],
	minP: [0, 1],
	repetitionPenalty: [Number.MIN_VALUE, Infinity],
	seed: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
} as const;

const neutral = {temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1} as const;

/** The caller's options, over the model's defaults (spelt as ours or as in `generation_config.json`), over none. */
export function settle(options: SamplingOptions, defaults: Readonly<Record<string, number>>): Sampling {
	const pick = (key: keyof Sampling, fallback: number): number => {
		const snake = key.replaceAll(/[A-Z]/g, letter => `_${letter.toLowerCase()}`);
		const value = options[key] ?? defaults[key] ?? defaults[snake] ?? fallback;
		const [min, max] = ranges[key];
		const whole = key === 'topK' || key === 'seed';
		if (typeof value !== 'number' || !(value >= min && value <= max) || (whole && !Number.isInteger(value))) {
			throw new SnugError('bad-option', {
				subject: `option ${key}`,
				problem: 'out of range',
				expected: `a ${whole ? 'whole ' : ''}number ${max === Infinity ? (key === 'repetitionPenalty' ? 'above 0' : `from ${min}`) : `from ${min} to ${max}`}`,
				found: String(value),
			});
		}

		return value;
	};

	return {
		temperature: pick('temperature', neutral.temperature),
		topK: pick('topK', neutral.topK),
		topP: pick('topP', neutral.topP),
		minP: pick('minP', neutral.minP),
		repetitionPenalty: pick('repetitionPenalty', neutral.repetitionPenalty),
		seed: pick('seed', globalThis.crypto.getRandomValues(new Uint32Array(1))[0]!),
	};
}

export function sampler({temperature, topK, topP, minP, repetitionPenalty, seed}: Sampling): Sampler {
	const draw = random(seed);
	return (logits, history) => {
		if (repetitionPenalty !== 1) {
			for (const token of new Set(history)) {
				const logit = logits[token]!;
				logits[token] = logit > 0 ? logit / repetitionPenalty : logit * repetitionPenalty;
			}
		}

		const best = likeliest(logits);
		if (temperature === 0 || !Number.isFinite(logits[best])) {
			return best;
		}

		const weights = logits.map(logit => Math.exp((logit - logits[best]!) / temperature));
		let tokens = topK > 0 && topK < logits.length ? top(weights, topK) : undefined;
		if (topP < 1) {
			tokens = nucleus(weights, tokens, topP);
		}

		// Weights are relative to the likeliest token's, which is 1.
		return pick(weights, tokens, minP, draw());
	};
}

function likeliest(logits: Float32Array): number {
	let best = 0;
	for (let token = 1; token < logits.length; token++) {
		// A NaN never wins, and never stays where something else is there.
		if (logits[token]! > logits[best]! || Number.isNaN(logits[best])) {
			best = token;
		}
	}

	return best;
}

/** The tokens of weight `floor` and more, heaviest first; the lower token first among equals. */
function heaviest(weights: Float32Array, floor: number): number[] {
	const tokens: number[] = [];
	for (let token = 0; token < weights.length; token++) {
		if (weights[token]! >= floor) {
			tokens.push(token);
		}
	}

	return tokens.sort((a, b) => weights[b]! - weights[a]! || a - b);
}

/** Looks at ever more of the tail, so that the whole vocabulary is sorted only for flat distributions. */
function descend(weights: Float32Array, enough: (tokens: readonly number[]) => boolean): number[] {
	for (let floor = 2 ** -4; ; floor *= 2 ** -8) {
		const tokens = heaviest(weights, floor < 1e-40 ? 0 : floor);
		if (enough(tokens) || floor < 1e-40) {
			return tokens;
		}
	}
}

const top = (weights: Float32Array, count: number): number[] => descend(weights, tokens => tokens.length >= count).slice(0, count);

/** The fewest heaviest tokens whose weights make the share `p` of all; at least one. */
function nucleus(weights: Float32Array, among: readonly number[] | undefined, p: number): number[] {
	const sum = (tokens: readonly number[]): number => tokens.reduce((total, token) => total + weights[token]!, 0);
	const wanted = p * (among === undefined ? weights.reduce((total, weight) => total + weight, 0) : sum(among));
	const tokens = among ?? descend(weights, candidates => sum(candidates) >= wanted);
	let covered = 0;
	for (const [index, token] of tokens.entries()) {
		covered += weights[token]!;
		if (covered >= wanted) {
			return tokens.slice(0, index + 1);
		}
	}

	return [...tokens];
}

function pick(weights: Float32Array, tokens: readonly number[] | undefined, floor: number, drawn: number): number {
	const count = tokens?.length ?? weights.length;
	const tokenAt = (index: number): number => tokens?.[index] ?? index;
	let total = 0;
	for (let index = 0; index < count; index++) {
		const weight = weights[tokenAt(index)]!;
		total += weight >= floor ? weight : 0;
	}

	let left = drawn * total;
	let chosen = 0;
	for (let index = 0; index < count; index++) {
		const weight = weights[tokenAt(index)]!;
		if (weight >= floor && weight > 0) {
			chosen = tokenAt(index);
			left -= weight;
			if (left < 0) {
				break;
			}
		}
	}

	return chosen;
}
