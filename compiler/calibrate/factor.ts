/** What column feedback needs of a Gram matrix. */
import {openWeight, type GraphWeight} from '../allocate/weights.js';
import type {Statistics} from './statistics.js';
import type {Feedback, Weight} from '../codecs/codec.js';
import {SnugError} from '../error.js';
import {kernels} from '../numeric/kernels.js';

/** Added to the diagonal, as a share of its mean: the usual choice for GPTQ. */
const DAMPING = 0.01;

/** Vectors for each column from which on a Gram matrix says what it should; with fewer, what it says of dependence is chance, and is damped. */
const ENOUGH = 4;

/** The weight as codecs read it, with what the statistics of its inputs give. */
export const openCalibrated = (weight: GraphWeight, statistics: Statistics | undefined): Weight =>
	openWeight(weight, statistics && createFeedback(statistics, weight.columns));

/** Computed when asked for, and kept. */
export function createFeedback({gram, tokens}: Statistics, columns: number): Feedback {
	let inOrder: Float32Array | undefined;
	let byEnergy: Feedback['byEnergy'] | undefined;
	const energy = Float32Array.from({length: columns}, (_, column) => gram[column * columns + column]!);
	return {
		energy,
		get inOrder() {
			inOrder ??= feedbackFactor({gram, tokens}, columns);
			return inOrder;
		},
		get byEnergy() {
			if (!byEnergy) {
				const order = Uint32Array.from({length: columns}, (_, column) => column).sort((a, b) => energy[b]! - energy[a]! || a - b);
				const sorted = new Float32Array(gram.length);
				for (const [i, from] of order.entries()) {
					for (let j = 0; j < columns; j++) {
						sorted[i * columns + j] = gram[from * columns + order[j]!]!;
					}
				}

				byEnergy = {order, factor: feedbackFactor({gram: sorted, tokens}, columns)};
			}

			return byEnergy;
		},
	};
}

/** U, upper triangular [columns, columns], with (H + damping)⁻¹ = Uᵀ U; damped ten times more until H is positive. */
export function feedbackFactor({gram, tokens}: Statistics, columns: number): Float32Array {
	const run = kernels();
	const n = columns;
	let mean = 0;
	for (let i = 0; i < n; i++) {
		mean += gram[i * n + i]! / n;
	}

	const least = DAMPING * Math.max(1, (ENOUGH * n) / tokens) ** 2;
	for (let damping = least; damping <= 1e4 * least; damping *= 10) {
		const [u, pivot, h, scratch] = run.layOut(4 * n * n, 4, 4 * n * n, 4 * n * (n + 1)) as [number, number, number, number];
		new Float32Array(run.memory.buffer, h, n * n).set(gram);
		run.call('feedback_factor', u, pivot, h, scratch, n, damping * mean || 1);
		if (new Float32Array(run.memory.buffer, pivot, 1)[0]! > 0) {
			return new Float32Array(run.memory.buffer, u, n * n).slice();
		}
	}

	throw new SnugError('calibration-not-finite', {
		subject: 'the calibration',
		problem: 'gave inputs of a weight that no code can be fitted to',
		expected: 'finite numbers',
		found: 'NaN or infinity',
		hint: 'check that the model gives finite outputs on the calibration text',
	});
}
