/**
 * How the next token is chosen. Order: repetition penalty (Keskar et al. 2019), temperature, top K, top P (Holtzman et al. 2020), min P,
 * then a draw. Temperature 0 takes the likeliest token, the first of equals.
 */
import {SAMPLING_OPTIONS} from '../../compiler/bundle/format.js';
import {SnugError} from '../../compiler/error.js';
import type {Session} from './session.js';
import type {SamplingOptions} from './types.js';

export type Sampling = {
	readonly temperature: number;
	readonly topK: number;
	readonly topP: number;
	readonly minP: number;
	readonly repetitionPenalty: number;
	readonly seed: number;
};

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

/** Chooses a token from the logits that `head` has made, in the program, which overwrites them. `history` is what the penalty looks at. */
export function sample({bundle, memory, call}: Session, sampling: Sampling, draw: number, history: readonly number[]): number {
	const {token, options, history: place} = bundle.generation!.sampling;
	const {temperature, topK, topP, minP, repetitionPenalty} = sampling;
	new Float32Array(memory.buffer, options, SAMPLING_OPTIONS).set([temperature, topK, topP, minP, repetitionPenalty, draw]);
	const seen = repetitionPenalty === 1 ? [] : [...new Set(history)];
	new Int32Array(memory.buffer, place, seen.length).set(seen);
	call('sample', {count: seen.length});
	return new Int32Array(memory.buffer, token, 1)[0]!;
}
