/** What column feedback needs of a Gram matrix. */
import type {Feedback} from '../codecs/codec.js';
import {SnugError} from '../error.js';
import {kernels} from '../numeric/kernels.js';

/** Added to the diagonal, as a share of its mean: the usual choice for GPTQ. */
const DAMPING = 0.01;

/** Computed when asked for, and kept. */
export function createFeedback(gram: Float32Array, columns: number): Feedback {
	let inOrder: Float32Array | undefined;
	let byEnergy: Feedback['byEnergy'] | undefined;
	return {
		get inOrder() {
			inOrder ??= feedbackFactor(gram, columns);
			return inOrder;
		},
		get byEnergy() {
			if (!byEnergy) {
				const energy = (column: number): number => gram[column * columns + column]!;
				const order = Uint32Array.from({length: columns}, (_, column) => column).sort((a, b) => energy(b) - energy(a) || a - b);
				const sorted = Float32Array.from(gram, (_, index) => gram[order[Math.floor(index / columns)]! * columns + order[index % columns]!]!);
				byEnergy = {order, factor: feedbackFactor(sorted, columns)};
			}

			return byEnergy;
		},
	};
}

/** U, upper triangular [columns, columns], with (H + damping)⁻¹ = Uᵀ U; damped ten times more until H is positive. */
export function feedbackFactor(gram: Float32Array, columns: number): Float32Array {
	const run = kernels();
	const n = columns;
	let mean = 0;
	for (let i = 0; i < n; i++) {
		mean += gram[i * n + i]! / n;
	}

	for (let damping = DAMPING; damping <= 100; damping *= 10) {
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
