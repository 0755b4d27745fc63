/**
 * The arithmetic of an evaluation: where the windows lie, and what their logits say. Knows no models and no files.
 *
 * Softmax and sums are in f64, so that the figures do not depend on the order of windows by more than the last digits.
 */
import {SnugError} from './error.js';

/** First tokens of windows of `context` tokens, evenly spaced, `max(context, floor((tokens − context) / windows))` apart. */
export function windowStarts(tokens: number, context: number, windows: number): number[] {
	if (tokens < context) {
		throw new SnugError('text-too-short', {
			subject: 'the text',
			problem: 'is shorter than one window',
			expected: `at least ${context} tokens`,
			found: `${tokens} tokens`,
			hint: 'give a longer text or a smaller --context',
		});
	}

	const stride = Math.max(context, Math.floor((tokens - context) / windows));
	const most = Math.min(windows, Math.floor(tokens / context));
	return Array.from({length: most}, (_, index) => index * stride).filter(start => start + context <= tokens);
}

export type Score = {
	readonly perplexity: number;
	/** Mean negative log-likelihood of a token, in nats. */
	readonly nll: number;
	/** Predictions that were made. */
	readonly tokens: number;
	/** Mean Kullback-Leibler divergence of the prediction from the reference's, in nats. */
	readonly kl?: number;
	/** Share of positions whose likeliest token is the reference's. */
	readonly top1?: number;
};

export type Scorer = {
	/** @param logits One row. @param reference The reference's row for the same position; for all rows or for none. */
	add(logits: ArrayLike<number>, target: number, reference?: ArrayLike<number>): void;
	score(): Score;
};

export function createScorer(): Scorer {
	let loss = 0;
	let tokens = 0;
	let divergence = 0;
	let agreements = 0;
	let compared = 0;
	return {
		add(logits, target, reference) {
			if (!(target >= 0 && target < logits.length)) {
				throw new SnugError('token-out-of-range', {
					subject: `token ${target}`,
					problem: 'is not in the vocabulary of the model',
					expected: `0 to ${logits.length - 1}`,
				});
			}

			const total = logSumExp(logits);
			loss += total - logits[target]!;
			tokens++;
			if (reference) {
				divergence += kullbackLeibler(reference, logits, total);
				agreements += argmax(reference) === argmax(logits) ? 1 : 0;
				compared++;
			}
		},
		score() {
			const nll = loss / tokens;
			const score = {perplexity: Math.exp(nll), nll, tokens};
			return compared === 0 ? score : {...score, kl: divergence / compared, top1: agreements / compared};
		},
	};
}

export function logSumExp(logits: ArrayLike<number>): number {
	let top = -Infinity;
	for (let index = 0; index < logits.length; index++) {
		top = Math.max(top, logits[index]!);
	}

	let sum = 0;
	for (let index = 0; index < logits.length; index++) {
		sum += Math.exp(logits[index]! - top);
	}

	return top + Math.log(sum);
}

/** Σ p (log p − log q), p from `reference` and q from `logits`, whose log-sum-exp is `total`. */
export function kullbackLeibler(reference: ArrayLike<number>, logits: ArrayLike<number>, total: number): number {
	if (reference.length !== logits.length) {
		throw new SnugError('vocabulary-mismatch', {
			subject: '--against',
			problem: 'the reference predicts other tokens than the model',
			expected: `${logits.length} logits`,
			found: `${reference.length}`,
			hint: 'compare a bundle with the model that it was compiled from',
		});
	}

	const referenceTotal = logSumExp(reference);
	let divergence = total - referenceTotal;
	for (let index = 0; index < reference.length; index++) {
		const probability = Math.exp(reference[index]! - referenceTotal);
		if (probability > 0) {
			divergence += probability * (reference[index]! - logits[index]!);
		}
	}

	return divergence;
}

function argmax(values: ArrayLike<number>): number {
	let best = 0;
	for (let index = 1; index < values.length; index++) {
		if (values[index]! > values[best]!) {
			best = index;
		}
	}

	return best;
}
